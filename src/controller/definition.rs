//! Whether a project that is marked for deletion is to be removed from AWS.
//!
//! When the definition of `SecureMLProject` is deleted, the API server marks every object of the kind for deletion, in
//! nobody's name. That is no wish to remove environments: they are let go, and taken up again when definition and
//! projects are applied again. The definition has its mark before the first object gets one, so that asking for it,
//! and not a cache, tells.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::events::{Event, EventType};
use kube::{Api, Client, CustomResourceExt as _};

use super::events::note;
use super::phrases::listing;
use crate::api::SecureMLProject;
use crate::model::{Account, Owner, counted_are};

/// Why it could not be told, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(
    "nothing is deleted, since the definition {name} cannot be looked at, and with it whether only that is being \
     removed: {source}; allow the controller to get customresourcedefinitions of that name"
)]
pub(super) struct Untold {
    name: &'static str,
    #[source]
    source: Box<kube::Error>,
}

/// Whether the definition of `SecureMLProject` is being removed.
///
/// # Errors
/// When the API server does not tell. Then nothing may be deleted.
pub(super) async fn is_going(client: &Client) -> Result<bool, Untold> {
    let name = SecureMLProject::crd_name();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let found = definitions.get_metadata_opt(name).await;
    let found = found.map_err(|error| Untold {
        name,
        source: Box::new(error),
    })?;
    Ok(found.is_none_or(|definition| definition.metadata.deletion_timestamp.is_some()))
}

/// What is told of a project that is let go.
pub(super) fn let_go(project: &SecureMLProject, owner: &Owner, account: &Account) -> Event {
    let resources = project.status.iter().flat_map(|status| &status.resources);
    let stays = resources.filter(|resource| resource.id.is_some()).count();
    let stays = counted_are(stays, "resource");
    let Account { id, region, .. } = account;
    let said = format!(
        "{} is being removed, which deletes nothing on AWS: {stays} of {owner} left in account {id}, {region}, which \
         nobody keeps as declared any more. Apply the definition and the project again to take them up. To list them: {}",
        SecureMLProject::crd_name(),
        listing(owner, account),
    );
    note(EventType::Warning, "LetGo", said)
}
