//! tmp
pub(crate) mod http;
pub mod operation;
