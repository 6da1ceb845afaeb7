//! What several kinds share: lists that serve more than one of them, and the forms of things that AWS repeats.

#[cfg(feature = "aws")]
pub(crate) mod ec2;
pub(super) mod gateways;
#[cfg(feature = "aws")]
pub(super) mod holders;
#[cfg(feature = "aws")]
pub(super) mod iam;
#[cfg(all(test, feature = "aws"))]
pub(crate) use iam::document as iam_document;
#[cfg(feature = "aws")]
pub(super) mod kms;
pub(crate) mod routes;
pub(crate) mod rules;
#[cfg(feature = "aws")]
pub(super) mod sagemaker;
#[cfg(feature = "aws")]
pub(super) mod tagged;
