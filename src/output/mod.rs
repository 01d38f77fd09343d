//! Everything that turns an [`Outcome`](crate::metrics::outcome::Outcome) into text, files and pictures. Nothing here
//! computes what the recorder should: outputs read outcomes and nothing else.

pub mod csv;
pub mod format;
pub mod plot;

#[cfg(test)]
pub(crate) mod fixtures;
