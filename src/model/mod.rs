//! Small types that every layer shares. No I/O, no clock, no randomness, no AWS service by name.

mod account;
mod holder;
mod node;
mod owner;
mod reference;
mod tags;

pub use account::{Account, EndpointService, Zone};
pub use holder::Holder;
pub use node::NodeKey;
pub use owner::Owner;
pub use reference::{Output, Ref, UnknownOutput, references, resolve};
pub use tags::{IDENTITY_TAGS, INSTALLATION_TAG, NAME_TAG, NODE_TAG, OWNER_TAG, Tags};
