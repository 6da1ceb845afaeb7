//! Typed IAM policies: identity, trust, key, bucket and endpoint policies are all documents of one form.
//!
//! A document has one serialised form, in which equal JSON is equal meaning, whatever AWS made of it in between:
//! it turns lists of one into texts, account ids into root ARNs, and keeps no order.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod canonical;
mod document;
mod limit;

pub use document::{Document, Effect, Principal, Statement};
pub use limit::Limit;
