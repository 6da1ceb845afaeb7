//! Stored projects that this version cannot read: the definition once allowed what its types do not know (any more).
//!
//! Such a project alone is left out: for everything that follows it is gone from the watch, which neither keeps nor
//! removes its environment. It says so in its own status.

use futures::future::{Ready, ready};
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::{DeserializeGuard, ObjectMeta};
use kube::runtime::events::{EventType, Recorder, Reporter};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource};
use serde_json::json;

use super::cluster;
use super::conditions::{ENFORCED, Standing, State, Verdict, set};
use super::events::note;
use crate::api::{SecureMLProject, SecureMLProjectStatus};
use crate::model::Words;

/// The reason of the conditions and of the event.
const UNREADABLE: &str = "Unreadable";

type Guarded = DeserializeGuard<SecureMLProject>;

/// What the watch tells of projects that can be read. Of the others, each is told what is the matter with it.
pub(super) fn skip(
    client: Client,
) -> impl FnMut(watcher::Result<Event<Guarded>>) -> Ready<Option<watcher::Result<Event<SecureMLProject>>>> {
    move |event| {
        let readable = event.map(|event| {
            readable(event, |unreadable| {
                // Nobody else waits until that is told.
                tokio::spawn(tell(client.clone(), unreadable));
            })
        });
        ready(readable.transpose())
    }
}

/// `event`, if it is about a project that can be read, or about one that cannot be any more.
fn readable(event: Event<Guarded>, tell: impl FnOnce(ObjectMeta)) -> Option<Event<SecureMLProject>> {
    let event = match event {
        Event::Apply(DeserializeGuard(Err(invalid))) => {
            let gone = gone(&invalid.metadata);
            tell(invalid.metadata);
            Event::Delete(gone)
        }
        Event::InitApply(DeserializeGuard(Err(invalid))) => {
            tell(invalid.metadata);
            return None;
        }
        Event::Delete(DeserializeGuard(project)) => {
            Event::Delete(project.unwrap_or_else(|invalid| gone(&invalid.metadata)))
        }
        Event::Apply(DeserializeGuard(Ok(project))) => Event::Apply(project),
        Event::InitApply(DeserializeGuard(Ok(project))) => Event::InitApply(project),
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
    };
    Some(event)
}

/// What stands for a project in the watch that is not to be seen there any more. It has no generation: whatever it is
/// when it can be read again is news.
fn gone(metadata: &ObjectMeta) -> SecureMLProject {
    SecureMLProject {
        metadata: ObjectMeta {
            name: metadata.name.clone(),
            namespace: metadata.namespace.clone(),
            uid: metadata.uid.clone(),
            ..ObjectMeta::default()
        },
        ..SecureMLProject::default()
    }
}

/// Says in the log, and in the project's own status, which field is the matter.
async fn tell(client: Client, metadata: ObjectMeta) {
    let (name, namespace) = (
        metadata.name.unwrap_or_default(),
        metadata.namespace.unwrap_or_default(),
    );
    if let Err(error) = write(&client, &namespace, &name).await {
        let error = cluster::explain(&error);
        tracing::warn!(
            namespace,
            project = name,
            error,
            "what is the matter with a project could not be written"
        );
    }
}

async fn write(client: &Client, namespace: &str, name: &str) -> Result<(), kube::Error> {
    let resource = ApiResource::erase::<SecureMLProject>(&());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let Some(stored) = api.get_opt(name).await? else {
        return Ok(());
    };
    let Some(why) = why(&stored) else { return Ok(()) };
    tracing::error!(namespace, project = name, "{why}");
    let before = stored.data.get("status").cloned().unwrap_or_default();
    let before: SecureMLProjectStatus = serde_json::from_value(before).unwrap_or_default();
    let latest = told(&stored, before.clone(), why.clone());
    if latest == before {
        return Ok(());
    }
    // What else stands in the status is nothing that this version understands.
    let status = json!({"observedGeneration": latest.observed_generation, "conditions": latest.conditions});
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(json!({"status": status})))
        .await?;
    let reporter = Reporter {
        controller: "secureml".to_owned(),
        instance: None,
    };
    let event = note(EventType::Warning, UNREADABLE, why);
    let recorder = Recorder::new(client.clone(), reporter);
    recorder.publish(&event, &stored.object_ref(&resource)).await
}

/// `latest` with the conditions that say `why`.
fn told(stored: &DynamicObject, mut latest: SecureMLProjectStatus, why: String) -> SecureMLProjectStatus {
    let project = SecureMLProject {
        metadata: ObjectMeta {
            generation: stored.meta().generation,
            ..ObjectMeta::default()
        },
        ..SecureMLProject::default()
    };
    let unseen = "AWS is not looked at while the project cannot be read".to_owned();
    set(&mut latest, &project, ENFORCED, State::Unknown, UNREADABLE, unseen);
    Verdict::new(Standing::Stalled, UNREADABLE, why).written(&project, latest)
}

/// Why `stored` cannot be read, if so: which field, what is wrong with it, and what to do.
fn why(stored: &DynamicObject) -> Option<String> {
    let stored = serde_json::to_value(stored).unwrap_or_default();
    let error = serde_path_to_error::deserialize::<_, SecureMLProject>(stored).err()?;
    let (field, said) = (error.path().to_string(), Words::from(error.inner().to_string()));
    Some(format!(
        "{field}: {}; this version of secureml cannot read the project, and neither corrects nor deletes anything of it: \
         correct the field, or run the version that the project was written for",
        &*said
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kube::ResourceExt;
    use serde_json::Value;

    use super::*;

    fn stored(spec: Value) -> Value {
        json!({
            "apiVersion": "secureml.dev/v1alpha1",
            "kind": "SecureMLProject",
            "metadata": {"name": "churn", "namespace": "team", "uid": "1", "generation": 4},
            "spec": spec,
        })
    }

    fn guarded(spec: Value) -> Guarded {
        serde_json::from_value(stored(spec)).expect("an object with metadata")
    }

    fn sound() -> Value {
        json!({"environmentType": "dev"})
    }

    fn broken() -> Value {
        json!({"environmentType": "dev", "drift": {"mode": "Repair"}})
    }

    #[test]
    fn what_cannot_be_read_is_gone_and_told() {
        let passes = |event| {
            let mut told = BTreeMap::new();
            let event = readable(event, |metadata| {
                told.insert(metadata.name.unwrap_or_default(), metadata.namespace);
            });
            (event, told.len())
        };
        assert!(matches!(
            passes(Event::Apply(guarded(sound()))),
            (Some(Event::Apply(_)), 0)
        ));
        assert!(matches!(
            passes(Event::InitApply(guarded(sound()))),
            (Some(Event::InitApply(_)), 0)
        ));
        assert!(matches!(passes(Event::InitApply(guarded(broken()))), (None, 1)));
        let (Some(Event::Delete(gone)), 1) = passes(Event::Apply(guarded(broken()))) else {
            panic!("it is to leave the store");
        };
        assert_eq!(gone.name_any(), "churn");
        assert_eq!(gone.metadata.generation, None, "whatever comes after is news");
        assert!(matches!(
            passes(Event::Delete(guarded(broken()))),
            (Some(Event::Delete(_)), 0)
        ));
    }

    #[test]
    fn the_field_is_named() {
        let why_of = |spec: Value| why(&serde_json::from_value(stored(spec)).expect("an object"));
        assert_eq!(why_of(sound()), None);
        let table = [
            (
                broken(),
                "spec.drift.mode: unknown variant `Repair`, expected `Enforce` or `Observe`; ",
            ),
            (
                json!({"environmentType": "dev", "notebooks": [{"name": 1}]}),
                "spec.notebooks[0].name: invalid type: integer",
            ),
            (
                json!({"environmentType": "dev", "drift": {"pace": 3}}),
                "spec.drift.pace: unknown field `pace`",
            ),
            (json!({}), "spec: missing field `environmentType`"),
        ];
        for (spec, wanted) in table {
            let said = why_of(spec).unwrap_or_default();
            assert!(said.starts_with(wanted), "{said}");
        }
    }

    #[test]
    fn what_was_told_is_not_told_again() {
        let stored: DynamicObject = serde_json::from_value(stored(broken())).expect("an object");
        let say = |latest| told(&stored, latest, "it is broken".to_owned());
        let once = say(SecureMLProjectStatus::default());
        assert_eq!(once.observed_generation, Some(4));
        assert_eq!(once.conditions.len(), 4);
        assert_eq!(say(once.clone()), once);
    }
}
