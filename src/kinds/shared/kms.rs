//! What AWS KMS lists for a whole account.

use std::sync::Arc;

use aws_sdk_kms::types::AliasListEntry;

use crate::aws::pages;
use crate::engine::{Failure, Reader};

/// Every alias, with the key it stands for.
pub(crate) async fn aliases(reader: &Reader<'_>) -> Result<Arc<Vec<AliasListEntry>>, Failure> {
    let aws = reader.aws();
    let fetch = async {
        let request = aws.kms.list_aliases().limit(100);
        Ok(pages!(
            aws,
            "kms:ListAliases",
            request.clone(),
            set_marker,
            next_marker,
            aliases
        ))
    };
    reader.list("kms:ListAliases", fetch).await
}

/// For creates that AWS has no client token for: the SDK must not send them a second time by itself.
pub(crate) fn never_twice() -> aws_sdk_kms::config::Builder {
    aws_sdk_kms::config::Builder::new().retry_config(aws_config::retry::RetryConfig::disabled())
}
