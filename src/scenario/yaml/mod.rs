//! YAML without meaning: text to a tree with positions, overrides on the tree, and the tree to typed values.

mod error;
pub(super) mod read;
pub(super) mod set;
pub(super) mod tree;
pub(super) mod write;
