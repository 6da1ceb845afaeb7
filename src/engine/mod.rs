//! The machinery that carries plans out and keeps the inventory. It knows no AWS service by name.

#[cfg(feature = "aws")]
mod apply;
mod brake;
pub mod claim;
mod failure;
#[cfg(feature = "aws")]
mod inventory;
#[cfg(feature = "aws")]
mod live;
#[cfg(feature = "aws")]
mod memory;
#[cfg(feature = "aws")]
mod pass;
#[cfg(feature = "aws")]
mod patience;
#[cfg(feature = "aws")]
mod permit;
mod report;

#[cfg(feature = "aws")]
pub use apply::{Executor, apply};
pub use brake::{Brake, Braking, Limits, Ruling, Wish};
pub use failure::{Class, Failure};
#[cfg(feature = "aws")]
pub(crate) use inventory::ClaimOf;
#[cfg(feature = "aws")]
pub use inventory::{Details, Inventory, Reader, Readings};
#[cfg(feature = "aws")]
pub use live::{Live, LiveKind, Observed, observe_each};
#[cfg(feature = "aws")]
pub use memory::{Memory, VISIBLE_WITHIN};
#[cfg(feature = "aws")]
pub use pass::{carry_out, look};
#[cfg(feature = "aws")]
pub use permit::Permit;
pub use report::{Entry, Outcome, Priority, Report, Sent, Turn};
