//! What IAM tells of a whole account, read once for policies and roles.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_iam::types::{EntityType, ManagedPolicyDetail, Role, RoleDetail, Tag};
use percent_encoding::percent_decode_str;

use crate::aws::{Aws, pages};
use crate::engine::{Failure, Reader};
use crate::model::{OWNER_TAG, Tags};
use crate::policy::Document;

/// Every role and every customer managed policy, with their documents.
pub(crate) struct Details {
    pub(crate) roles: Vec<RoleDetail>,
    pub(crate) policies: Vec<ManagedPolicyDetail>,
}

/// Roles with their trust, policies, boundary and tags; policies with their versions.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>
pub(crate) async fn details(reader: &Reader<'_>) -> Result<Arc<Details>, Failure> {
    reader
        .list("iam:GetAccountAuthorizationDetails", fetch(reader.aws()))
        .await
}

async fn fetch(aws: &Aws) -> Result<Details, Failure> {
    let mut details = Details {
        roles: Vec::new(),
        policies: Vec::new(),
    };
    let mut marker = None;
    loop {
        let request = aws.iam.get_account_authorization_details().max_items(1000);
        let request = request.filter(EntityType::Role).filter(EntityType::LocalManagedPolicy);
        let request = request.set_marker(marker);
        let page = aws.call("iam:GetAccountAuthorizationDetails", request.send()).await?;
        details.roles.extend(page.role_detail_list.unwrap_or_default());
        details.policies.extend(page.policies.unwrap_or_default());
        marker = page.marker.filter(|marker| page.is_truncated && !marker.is_empty());
        if marker.is_none() {
            return Ok(details);
        }
    }
}

/// What the details of a role lack.
pub(crate) struct Described {
    pub(crate) description: Option<String>,
    pub(crate) max_session_seconds: Option<i32>,
}

/// Description and longest session of the roles called `names`: one list tells them of all roles, and neither opens
/// anything, so that it is not read in every sweep.
pub(crate) async fn described(
    reader: &Reader<'_>,
    names: impl Iterator<Item = &str>,
) -> Result<HashMap<String, Arc<Described>>, Failure> {
    let aws = reader.aws();
    let fetch = |_| async {
        let request = aws.iam.list_roles().max_items(1000);
        let roles = pages!(aws, "iam:ListRoles", request.clone(), set_marker, marker, roles);
        let described = roles.into_iter().map(|role: Role| {
            let described = Described {
                description: role.description,
                max_session_seconds: role.max_session_duration,
            };
            (role.role_name, described)
        });
        Ok(described.collect())
    };
    let wanted: Vec<(String, String)> = names.map(|name| (name.to_owned(), String::new())).collect();
    reader.details(&wanted, "description", usize::MAX, fetch).await
}

/// A document as IAM answers with it, URL-encoded. What cannot be read allows and denies nothing we know of: it
/// differs from everything that is declared, and is replaced.
pub(crate) fn document(text: Option<&str>) -> Document {
    let decoded = percent_decode_str(text.unwrap_or_default()).decode_utf8_lossy();
    Document::parse(&decoded).unwrap_or_default()
}

/// IAM's form of tags.
pub(crate) fn to_tags(tags: &Tags) -> Vec<Tag> {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build());
    tags.filter_map(Result::ok).collect()
}

/// Tags from IAM's form.
pub(crate) fn tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|tag| (tag.key(), tag.value())).collect()
}

/// Whose something is that has these tags; empty when nobody's of ours.
pub(crate) fn owner(tags: &[Tag]) -> String {
    self::tags(tags).get(OWNER_TAG).unwrap_or_default().to_owned()
}
