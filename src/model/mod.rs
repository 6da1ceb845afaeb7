//! Small types that every layer shares. No I/O, no clock, no randomness, no AWS service by name.

mod account;
mod claim;
mod node;
mod owner;
mod reference;
mod tags;

pub use account::{Account, EndpointService, Zone};
pub use claim::{Adoption, Claim, Claimed};
pub use node::NodeKey;
pub use owner::Owner;
pub use reference::{Output, Ref, UnknownOutput, references, resolve};
pub use tags::{ADOPTED_TAG, IDENTITY_TAGS, NAME_TAG, NODE_TAG, OWNER_TAG, Tags};
