//! What the API server refuses, in which words, and what it accepts; and that the command line says the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Request;
use kube::{Client, Config};
use secureml::api::{Invalid, check};
use secureml_rig::ControlPlane;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::world::define;

const PATH: &str = "/apis/secureml.dev/v1alpha1/namespaces/default/securemlprojects";
/// What a test changes nothing with, and what kubectl asks for.
const TRIAL: &str = "fieldValidation=Strict&dryRun=All";

/// A new project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    it: String,
    #[serde(default = "churn")]
    object: String,
    #[serde(default)]
    spec: Value,
    /// Tags to add, by number, where naming them would be tedious.
    #[serde(default)]
    tags: usize,
    /// What the API server says, after the name of the object.
    #[serde(default)]
    says: String,
}

/// A change of a living project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    it: String,
    before: Value,
    after: Value,
    #[serde(default)]
    says: String,
}

fn churn() -> String {
    "churn".to_owned()
}

#[tokio::test]
async fn the_api_server_and_the_command_line_refuse_the_same() -> Result<()> {
    let control_plane = ControlPlane::start().await?;
    define(&control_plane).await?;
    let server = Server::new(&control_plane).await?;
    let mut wrong = Vec::new();

    let refused: Vec<Case> = table(include_str!("manifests/refused.yaml"))?;
    for case in &refused {
        assert!(
            !case.says.is_empty(),
            "it {}: say what the API server shall answer",
            case.it
        );
        let answer = server.create(&case.manifest(), TRIAL).await?;
        wrong.extend(compare(&case.it, &case.says, &answer));
        wrong.extend(same(&case.it, &answer, &check(&case.manifest())));
    }
    let accepted: Vec<Case> = table(include_str!("manifests/accepted.yaml"))?;
    for case in &accepted {
        let answer = server.create(&case.manifest(), TRIAL).await?;
        wrong.extend(compare(&case.it, "", &answer));
        wrong.extend(same(&case.it, &answer, &check(&case.manifest())));
    }
    let changes: Vec<Change> = table(include_str!("manifests/changes.yaml"))?;
    for (number, change) in changes.iter().enumerate() {
        let answer = server.change(number, change).await?;
        wrong.extend(compare(&change.it, &change.says, &answer));
    }
    assert!(
        wrong.is_empty(),
        "{} of {} manifests:\n{}",
        wrong.len(),
        refused.len() + accepted.len() + changes.len(),
        wrong.join("\n")
    );
    assert!(refused.len() >= 40, "{} bad manifests", refused.len());
    Ok(())
}

/// What breaks shells, policies, documents and terminals, put before, into and behind what is sound.
const HOSTILE: &[&str] = &[
    "\n",
    "\t",
    "'",
    "\"",
    "\\",
    "`id`",
    "$(id)",
    "${aws:username}",
    "$",
    "*",
    "?",
    "/../",
    ";",
    "&",
    "|",
    "#",
    "%0a",
    "{}",
    "<b>",
    "⟦Vpc/main.id⟧",
    "\u{202e}",
    "\u{200b}",
    "é",
    "０",
    "arn:aws:iam::*:root",
];

/// Texts that users choose, each in its place.
fn texts() -> Vec<(&'static str, Value)> {
    vec![
        ("/projectName", json!("churn")),
        ("/tags", json!({ "CostCenter": "42" })),
        ("/tags/CostCenter", json!("42")),
        ("/network/vpcCidr", json!("10.2.0.0/16")),
        ("/network/subnetCidrs/0", json!("10.2.1.0/24")),
        ("/endpoints/additional/0", json!("secretsmanager")),
        (
            "/packages/mirror/endpointService",
            json!("com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"),
        ),
        ("/packages/install/0", json!("pandas==2.2.3")),
        ("/access/adminPrincipals/0", json!("arn:aws:iam::111122223333:role/a")),
        ("/access/userPrincipals/0", json!("arn:aws:iam::111122223333:role/b")),
        ("/guardrails/notebookInstanceTypes/0", json!("ml.t3.*")),
        ("/guardrails/jobInstanceTypes/0", json!("ml.m5.xlarge")),
        ("/guardrails/hostingInstanceTypes/0", json!("ml.m5.xlarge")),
        ("/notebooks/0/name", json!("ana")),
        ("/notebooks/0/ownerEmail", json!("ana@example.com")),
        ("/notebooks/0/instanceType", json!("ml.t3.medium")),
    ]
}

fn full() -> Value {
    json!({
        "projectName": "churn",
        "tags": { "CostCenter": "42" },
        "network": { "vpcCidr": "10.2.0.0/16", "subnetCidrs": ["10.2.1.0/24", "10.2.2.0/24"] },
        "endpoints": { "additional": ["secretsmanager"] },
        "packages": {
            "mirror": { "endpointService": "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0" },
            "install": ["pandas==2.2.3"],
        },
        "access": {
            "adminPrincipals": ["arn:aws:iam::111122223333:role/a"],
            "userPrincipals": ["arn:aws:iam::111122223333:role/b"],
        },
        "guardrails": {
            "notebookInstanceTypes": ["ml.t3.*"],
            "jobInstanceTypes": ["ml.m5.xlarge"],
            "hostingInstanceTypes": ["ml.m5.xlarge"],
        },
        "notebooks": [{ "name": "ana", "ownerEmail": "ana@example.com", "instanceType": "ml.t3.medium" }],
    })
}

/// The API server itself refuses what is hostile and names the field, as the laws say of our own check.
#[tokio::test]
async fn the_api_server_takes_nothing_that_is_hostile() -> Result<()> {
    let control_plane = ControlPlane::start().await?;
    define(&control_plane).await?;
    let server = Server::new(&control_plane).await?;
    let answer = server.create(&manifest("churn", &full()), TRIAL).await?;
    assert_eq!(answer.says, "", "what is sound is taken");
    let mut wrong = Vec::new();
    for (place, sound) in texts() {
        for piece in HOSTILE {
            // A pattern is what an instance type may be there.
            if *piece == "*" && place.contains("InstanceTypes") {
                continue;
            }
            for at in [0, 3, 400] {
                let mut spec = full();
                let value = spec.pointer_mut(place).context("a place")?;
                match sound.as_str() {
                    Some(text) => *value = json!(put(text, piece, at)),
                    None => *value = json!({ put("CostCenter", piece, at): "42" }),
                }
                let manifest = manifest("churn", &spec);
                let answer = server.create(&manifest, TRIAL).await?;
                let it = format!("{place} with {piece:?} at {at}");
                let field = format!("spec{}", place.replace("/0", "[0]").replace('/', "."));
                let named = answer.problems.keys().any(|named| field.starts_with(named.as_str()));
                // Letters are letters, in tags.
                let letters = place.starts_with("/tags") && piece.chars().all(char::is_alphanumeric);
                let harmless = letters || place.starts_with("/tags") && *piece == "/../";
                if !harmless && !named {
                    wrong.push(format!("{it}: {:?}", answer.says));
                }
                wrong.extend(same(&it, &answer, &check(&manifest)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// `text` with `piece` at its letter `at`, or behind it.
fn put(text: &str, piece: &str, at: usize) -> String {
    let (start, end) = text.split_at(at.min(text.len()));
    format!("{start}{piece}{end}")
}

impl Case {
    fn manifest(&self) -> Value {
        let mut manifest = manifest(&self.object, &self.spec);
        for number in 0..self.tags {
            manifest["spec"]["tags"][format!("Tag{number}")] = json!("");
        }
        manifest
    }
}

fn manifest(name: &str, over: &Value) -> Value {
    let mut spec = json!({ "environmentType": "dev" });
    for (field, value) in over.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    json!({
        "apiVersion": "secureml.dev/v1alpha1",
        "kind": "SecureMLProject",
        "metadata": { "name": name },
        "spec": spec,
    })
}

/// What an API server answered: nothing to say, or why it refuses.
#[derive(Debug, Default)]
struct Answer {
    /// Without the name of the object.
    says: String,
    /// Each problem's field and words.
    problems: BTreeMap<String, Vec<String>>,
}

struct Server {
    client: Client,
}

impl Server {
    async fn new(control_plane: &ControlPlane) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(control_plane.kubeconfig())?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        Ok(Self { client })
    }

    async fn create(&self, manifest: &Value, query: &str) -> Result<Answer> {
        let mut request =
            Request::new(PATH).create(&kube::api::PostParams::default(), serde_json::to_vec(manifest)?)?;
        *request.uri_mut() = format!("{PATH}?{query}").parse()?;
        answer(self.client.request::<Value>(request).await)
    }

    async fn change(&self, number: usize, change: &Change) -> Result<Answer> {
        // One object a change: what is stored stays, and does not come in the way of the next.
        let name = if change.it.contains("as the object has it") {
            "case".to_owned()
        } else {
            format!("case-{number}")
        };
        let made = self.create(&manifest(&name, &change.before), "").await?;
        if !made.says.is_empty() {
            bail!("{}: the project as it was is refused: {}", change.it, made.says);
        }
        let path = format!("{PATH}/{name}");
        let get = Request::new(PATH).get(&name, &kube::api::GetParams::default())?;
        let stored: Value = self.client.request(get).await?;
        let mut next = manifest(&name, &change.after);
        next["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
        let bytes = serde_json::to_vec(&next)?;
        let mut request = Request::new(PATH).replace(&name, &kube::api::PostParams::default(), bytes)?;
        *request.uri_mut() = format!("{path}?{TRIAL}").parse()?;
        answer(self.client.request::<Value>(request).await)
    }
}

fn answer(answer: kube::Result<Value>) -> Result<Answer> {
    let status = match answer {
        Ok(_) => return Ok(Answer::default()),
        Err(kube::Error::Api(status)) => status,
        Err(other) => return Err(other.into()),
    };
    let (_, says) = status
        .message
        .split_once(" is invalid: ")
        .or_else(|| status.message.split_once(" cannot be handled as a SecureMLProject: "))
        .with_context(|| format!("another answer than a refusal: {}", status.message))?;
    let mut problems: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cause in status.details.into_iter().flat_map(|details| details.causes) {
        if !cause.message.contains("some validation rules were not checked") {
            problems.entry(cause.field).or_default().push(cause.message);
        }
    }
    Ok(Answer {
        says: says.to_owned(),
        problems,
    })
}

fn table<T: DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    Ok(serde_saphyr::from_str(text)?)
}

fn compare(it: &str, wanted: &str, answer: &Answer) -> Option<String> {
    let wanted = wanted.trim();
    (answer.says != wanted).then(|| format!("- it: {it}\n  says: {}", json!(answer.says)))
}

/// The command line must find the same fields at fault, and use the words of the rules.
fn same(it: &str, answer: &Answer, found: &[Invalid]) -> Option<String> {
    if answer.problems.is_empty() {
        let agree = answer.says.is_empty() == found.is_empty();
        return (!agree).then(|| format!("{it}: the command line finds {found:?}"));
    }
    let fields: BTreeSet<&str> = answer
        .problems
        .keys()
        .map(|field| field.trim_start_matches("<nil>"))
        .collect();
    let ours: BTreeSet<&str> = found.iter().map(|invalid| invalid.field.as_str()).collect();
    if fields != ours {
        return Some(format!(
            "{it}: the command line finds {ours:?}, the API server {fields:?}"
        ));
    }
    let bounds = [
        "in body should",
        "Too ",
        "Unsupported value",
        "Required value",
        "Duplicate value",
        "must be of type",
    ];
    let words = answer
        .problems
        .iter()
        .flat_map(|(field, all)| all.iter().map(move |words| (field, words)));
    let strange: Vec<String> = words
        .filter(|(_, words)| !bounds.iter().any(|bound| words.contains(bound)))
        .filter(|(_, words)| !found.iter().any(|invalid| words.ends_with(&invalid.problem)))
        .map(|(field, words)| format!("{it}: only the API server says {field}: {words}"))
        .collect();
    (!strange.is_empty()).then(|| strange.join("\n"))
}
