//! Small types that every layer shares. No I/O, no clock, no randomness, no AWS service by name.

mod account;
mod claim;
mod holder;
mod node;
mod owner;
mod reference;
mod tags;
mod window;
mod words;

pub use account::{Account, EndpointService, Zone};
pub use claim::{Adoption, Claim, Claimed};
pub use holder::Holder;
pub use node::NodeKey;
pub use owner::{InvalidInstallation, Owner, installation};
pub(crate) use owner::{is_label, is_subdomain_part};
pub use reference::{Output, Ref, UnknownOutput, references, resolve};
pub use tags::{ADOPTED_TAG, IDENTITY_TAGS, INSTALLATION_TAG, NAME_TAG, NODE_TAG, OWNER_TAG, Tags};
pub use window::{InvalidWindow, Window};
pub use words::{REDACTED, Words, counted, counted_are, innermost, redact, with_article};
