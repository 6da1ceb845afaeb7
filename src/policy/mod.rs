//! Typed IAM policies: identity, trust, key, bucket and endpoint policies are all documents of one form.
//!
//! A document has one serialised form, in which equal JSON is equal meaning, whatever AWS made of it in between:
//! it turns lists of one into texts, account ids into root ARNs, and keeps no order. Conditions are written through
//! typed keys ([`Key`], [`global`], [`sagemaker`]); [`lint`] finds in any document what types cannot, and
//! [`evaluate`] tells what documents say to a request.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod canonical;
mod condition;
mod document;
pub mod evaluate;
pub mod global;
mod limit;
mod lint;
mod pattern;
pub mod sagemaker;

pub use condition::{Arn, Condition, Flag, Key, Many, Number, One, Text};
pub use document::{Document, Effect, Principal, Statement};
pub use limit::Limit;
pub use lint::{Flaw, lint};
pub use pattern::matches;
