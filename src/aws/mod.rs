//! Sessions, errors, paging: everything that is common to calls to AWS.

mod account;
pub mod claims;
mod clients;
mod errors;
mod limiter;
mod limits;
mod paging;
mod tags;

pub use account::{PERMISSIONS as ACCOUNT_PERMISSIONS, describe as describe_account};
pub use clients::{Aws, Identity, NoRegion};
pub use errors::{classify, failure, known};
pub use limiter::{Limiter, Share};
pub(crate) use paging::pages;
pub use tags::{ec2 as to_ec2_tags, ec2_specification, ec2_tags};
