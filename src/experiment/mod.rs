//! Many runs: replications of one scenario, and scenarios side by side. Stands on `Model -> Outcome`, and knows nothing of
//! the engine's insides.

pub mod alerts;
pub mod calibrate;
#[cfg(feature = "check")]
pub mod check;
pub mod compare;
pub mod cures;
pub mod expect;
pub mod figure;
pub mod fit;
pub mod guard;
pub mod plan;
mod replicate;
mod run;
pub mod sequential;
mod shares;
pub mod sweep;
pub mod until;

pub use compare::{Side, compare};
pub use guard::FailOn;
pub use replicate::{Replicates, most_runs, replicate};
pub use run::{Taps, Watch, go_on, run, run_into};
pub use shares::{PodShares, pod_shares};
pub use until::Until;
