//! The life of a project in parts, each begun while no controller runs and ended when AWS holds what is declared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use secureml::aws::Aws;
use secureml::kinds::find;
use secureml::model::Owner;
use secureml::plan::{Object, Phase};
use secureml_rig::proxy::{Calls, Mark, Staleness};
use secureml_rig::{Process, Rig};
use serde_json::{Value, json};

use super::census::{Census, beyond, census};
use super::tidy::{foreign, tidy};
use crate::environment::{FULL, INSTALLATION, Objects, clients, copies, observe};
use crate::mirror::{mirror, with_mirror};
use crate::tamper::rounds::{Done, Rounds, act};
use crate::world::{cluster, file, kubectl};

/// What is declared one after the other.
pub const MANIFESTS: [&str; 3] = [FULL, include_str!("updated.yaml"), include_str!("anew.yaml")];
const NAME: &str = "churn";
/// How long AWS's lists may take to show what was made, as the controller is told.
const VISIBLE_WITHIN_SECONDS: &str = "3";
/// How long they take, where they do not show it at once, and how long AWS answers what was before a change.
const HIDDEN: Duration = Duration::from_millis(1200);
/// After so long without a call, it is worth looking whether a part has ended.
const PAUSE: Duration = Duration::from_millis(400);
/// After so long an undisturbed life is at rest. A controller that starts or audits makes no calls for a while, and a
/// condition may be of before.
const REST: Duration = Duration::from_secs(3);
/// After so long without a look at AWS, it is worth asking whether there is a project at all.
const STARTS: Duration = Duration::from_secs(3);
/// How long a part may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A list that every sweep reads.
const SWEEP: &str = "ec2:DescribeVpcs";
/// How much of a value is printed.
const BRIEF: usize = 300;

/// A part of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Nothing is there yet.
    Create,
    /// Somebody tampered, in one of several rounds.
    Drift(usize),
    /// Much of what was declared is declared differently, by one manifest after the other.
    Update(usize),
    /// It is to go.
    Delete,
}

/// What is to be the same however often the controller died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The project's resources by `Kind/name`: each field, with names in the place of ids.
    resources: BTreeMap<String, BTreeMap<String, Value>>,
    /// How many of everything the account holds that nobody else put there.
    counts: BTreeMap<&'static str, usize>,
}

/// What there is too much of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surplus {
    /// Of what the project has already.
    pub duplicates: usize,
    /// Of what nobody has or wants.
    pub orphans: usize,
}

/// One project on a rig of its own.
pub struct Life {
    pub rig: Rig,
    aws: Arc<Aws>,
    owner: Owner,
    /// The endpoint service of the package mirror.
    mirror: String,
    /// What was there before the project and is none of its business.
    bystanders: Census,
    /// The same, with what somebody put beside it since.
    others: Mutex<Census>,
}

impl Life {
    /// Before the project is declared.
    pub async fn begin() -> Result<Self> {
        let rig = cluster().await?;
        let aws = clients(rig.emulator.url()).await;
        let mut life = Self {
            rig,
            aws,
            owner: Owner::new(INSTALLATION, "default", NAME),
            mirror: String::new(),
            bystanders: Census::new(),
            others: Mutex::default(),
        };
        life.begin_anew(false).await?;
        Ok(life)
    }

    /// Another life on the same rig, on an empty AWS that answers late what was made, changed or deleted, if `stale`.
    pub async fn begin_anew(&mut self, stale: bool) -> Result<()> {
        self.rig.reset().await?;
        self.rig
            .proxy
            .set_staleness(stale.then(|| Staleness::of_reads(HIDDEN).and_writes().and_old_versions()));
        bystanders(&self.aws).await?;
        self.mirror = mirror(&self.rig, &self.aws).await?;
        self.bystanders = census(&self.aws).await?;
        Ok(())
    }

    /// Brings about what begins `part`. `drifts` are the rounds of tampering.
    pub async fn prepare(&self, part: Part, drifts: &[Vec<Done>]) -> Result<()> {
        let cluster = kubectl(&self.rig)?;
        let apply = async |manifest| {
            let file = file(&self.rig, &with_mirror(manifest, &self.mirror))?;
            cluster.kubectl_text(&["apply", "-f", &file]).await
        };
        match part {
            Part::Create => drop(apply(MANIFESTS[0]).await?),
            Part::Update(number) => drop(apply(MANIFESTS[number]).await?),
            Part::Delete => drop(cluster.kubectl_text(&["delete", "smlp", NAME, "--wait=false"]).await?),
            Part::Drift(round) => {
                let objects = self.observe().await?;
                let mut changed = 0;
                for done in drifts.get(round).into_iter().flatten() {
                    // What was removed takes others along.
                    let acted = act(done.tamper, &self.aws, &done.node, &objects).await;
                    changed += usize::from(acted.is_ok());
                }
                ensure!(changed > 0, "all tampering of round {round} was in vain");
            }
        }
        Ok(())
    }

    /// Takes note of what is not the project's, when a part begins.
    pub async fn note_others(&self) -> Result<()> {
        let others = foreign(census(&self.aws).await?, &self.observe().await?);
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
        Ok(())
    }

    /// Every way of tampering with what there is now.
    pub async fn rounds(&self) -> Result<Rounds> {
        Rounds::recognised(&self.observe().await?)
    }

    /// The next round of tampering.
    pub async fn tamper(&self, rounds: &mut Rounds) -> Result<Vec<Done>> {
        let objects = self.observe().await?;
        rounds.next(&self.aws, &self.owner, &objects).await
    }

    /// Clears away what tampering put beside the project.
    pub async fn tidy(&self) -> Result<()> {
        tidy(&self.aws, &self.observe().await?, &self.bystanders).await
    }

    /// The controller, running.
    pub fn controller(&self) -> Result<Process> {
        let installation = ["--installation", INSTALLATION];
        let visible = ["--visible-within-seconds", VISIBLE_WITHIN_SECONDS];
        let args = [&["controller"][..], &installation, &visible].concat();
        self.rig.start_controller(&args)
    }

    /// Waits until the project is as declared, or gone, and nothing is under way, by a controller that began after `mark`.
    pub async fn settled(&self, mark: Mark) -> Result<()> {
        let begun = Instant::now();
        self.has_looked(mark).await?;
        loop {
            self.rig.proxy.quiet(REST, PATIENCE).await?;
            let state = self.state().await?;
            if matches!(state.as_str(), "" | "True") {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                let more = beyond(&census(&self.aws).await?, &self.bystanders);
                bail!("it does not settle: {state}\nthe account holds {more:?}");
            }
        }
    }

    /// Waits until a controller that began after `mark` has been told what AWS holds, and works by that; or the project
    /// is gone.
    pub async fn has_looked(&self, mark: Mark) -> Result<()> {
        let begun = Instant::now();
        let looked = |calls: &Calls| calls.named(SWEEP).iter().any(|call| call.took.is_some());
        while self.rig.proxy.until(mark, STARTS, looked).await.is_err() {
            if self.state().await?.is_empty() {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "no controller looks at AWS");
        }
        Ok(())
    }

    /// Waits until AWS holds `wanted`; what holds it up, or what is wrong, if it does not come to that.
    async fn becomes(&self, wanted: &Picture) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.rig.proxy.quiet(PAUSE, PATIENCE).await?;
            let wrong = match self.picture().await {
                Ok(picture) if picture == *wanted => return Ok(()),
                Ok(picture) => picture.differences(wanted),
                Err(error) => format!("{error:#}"),
            };
            if begun.elapsed() > PATIENCE {
                bail!("{wrong}\nthe project says: {}", self.state().await?);
            }
        }
    }

    /// Waits until AWS holds `wanted` for good: a controller that began after `mark` has looked, says so, and rests.
    pub async fn ends_as(&self, wanted: &Picture, mark: Mark) -> Result<()> {
        self.becomes(wanted).await?;
        self.settled(mark).await?;
        let picture = self.picture().await?;
        ensure!(picture == *wanted, "it did not stay: {}", picture.differences(wanted));
        Ok(())
    }

    /// What there is now.
    pub async fn picture(&self) -> Result<Picture> {
        Ok(Picture {
            resources: without_ids(&self.observe().await?),
            counts: self.counts().await?,
        })
    }

    async fn counts(&self) -> Result<BTreeMap<&'static str, usize>> {
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ours = beyond(&census(&self.aws).await?, &others);
        Ok(ours.iter().map(|(what, ids)| (*what, ids.len())).collect())
    }

    /// What there is that is not `wanted`: how many more of what is there already, and how many of nobody's.
    pub async fn surplus(&self, wanted: &Picture) -> Result<Surplus> {
        let copies = copies(&self.aws, &self.owner).await?;
        let duplicates = copies.values().map(|objects| objects.len().saturating_sub(1)).sum();
        let counts = self.counts().await?;
        let more =
            |(what, is): (&&'static str, &usize)| is.saturating_sub(wanted.counts.get(*what).copied().unwrap_or(0));
        let all: usize = counts.iter().map(more).sum();
        Ok(Surplus {
            duplicates,
            orphans: all.saturating_sub(duplicates),
        })
    }

    /// The ids of the project's resources.
    pub async fn ids(&self) -> Result<BTreeMap<String, String>> {
        let objects = self.observe().await?;
        Ok(objects.into_iter().map(|(node, object)| (node, object.id)).collect())
    }

    /// What is gone that never was the project's.
    pub async fn lost_bystanders(&self) -> Result<Vec<String>> {
        let gone = beyond(&self.bystanders, &census(&self.aws).await?);
        let tell = |(what, ids): (&'static str, BTreeSet<String>)| {
            ids.into_iter()
                .map(move |id| format!("of somebody else's {what}: {id}"))
        };
        Ok(gone.into_iter().flat_map(tell).collect())
    }

    /// The ids of the project's resources, of each node however many there are.
    pub async fn copies(&self) -> Result<BTreeMap<String, Vec<String>>> {
        let copies = copies(&self.aws, &self.owner).await?.into_iter();
        let ids = |objects: Vec<Object>| objects.into_iter().map(|object| object.id).collect();
        Ok(copies.map(|(node, objects)| (node.to_string(), ids(objects))).collect())
    }

    async fn observe(&self) -> Result<Objects> {
        observe(&self.aws, &self.owner).await
    }

    /// The project's `Ready` of its present generation with the reason; nothing when it is gone.
    async fn state(&self) -> Result<String> {
        let ready = ".status.conditions[?(@.type==\"Ready\")]";
        let path = format!(
            "jsonpath={{.metadata.generation}} {{{ready}.observedGeneration}} {{{ready}.status}} {{{ready}.message}}"
        );
        let args = ["get", "smlp", NAME, "--ignore-not-found", "-o", &path];
        let text = kubectl(&self.rig)?.kubectl_text(&args).await?;
        let mut words = text.splitn(4, ' ');
        let current = words.next() == words.next();
        Ok(match words.next() {
            Some("True") if current => "True".to_owned(),
            _ => text,
        })
    }
}

impl Picture {
    /// In words, where it is not as `wanted`.
    fn differences(&self, wanted: &Self) -> String {
        let mut found = Vec::new();
        for what in self.counts.keys().chain(wanted.counts.keys()) {
            let (is, should) = (self.counts.get(what), wanted.counts.get(what));
            if is != should {
                found.push(format!("{} {what}, not {}", is.unwrap_or(&0), should.unwrap_or(&0)));
            }
        }
        for node in self.resources.keys().chain(wanted.resources.keys()) {
            match (self.resources.get(node), wanted.resources.get(node)) {
                (Some(is), Some(should)) => found.extend(changes(node, is, should)),
                (Some(_), None) => found.push(format!("{node} is left")),
                (None, Some(_)) => found.push(format!("{node} is missing")),
                _ => {}
            }
        }
        found.dedup();
        found.join("\n")
    }
}

/// Which fields of `node` are not as they should be.
fn changes(node: &str, is: &BTreeMap<String, Value>, should: &BTreeMap<String, Value>) -> Vec<String> {
    let differ = should.iter().filter(|(field, value)| is.get(*field) != Some(value));
    let tell = |(field, value): (&String, &Value)| {
        let found = is.get(field).map(ToString::to_string).unwrap_or_default();
        let brief = |text: &str| text.chars().take(BRIEF).collect::<String>();
        format!("{node}.{field} is {}, not {}", brief(&found), brief(&value.to_string()))
    };
    differ.map(tell).collect()
}

/// What AWS invents anew for each resource stands for another thing in each life: names take its place.
fn without_ids(objects: &Objects) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut names: Vec<(String, String)> = Vec::new();
    for (node, object) in objects {
        names.push((object.id.clone(), format!("<{node}>")));
        let outputs = object.outputs.iter();
        names.extend(outputs.map(|(name, value)| (value.clone(), format!("<{node}.{name}>"))));
    }
    // Longer ones first: an ARN holds an id.
    names.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    names.retain(|(id, _)| id.len() > 3);
    let named = |object: &Object| {
        let mut fields = declared(object);
        fields.values_mut().for_each(|value| rename(value, &names));
        fields
    };
    objects
        .iter()
        .map(|(node, object)| (node.clone(), named(object)))
        .collect()
}

/// Puts names in the place of ids. Lists are sets in an order that the ids gave them.
fn rename(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::String(text) => {
            for (id, name) in names {
                *text = text.replace(id, name);
            }
            *text = nameless(text);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| rename(item, names));
            items.sort_by_key(ToString::to_string);
        }
        Value::Object(fields) => {
            let renamed = std::mem::take(fields).into_iter().map(|(key, mut value)| {
                let mut key = Value::String(key);
                rename(&mut key, names);
                rename(&mut value, names);
                (key.as_str().unwrap_or_default().to_owned(), value)
            });
            *fields = renamed.collect();
        }
        _ => {}
    }
}

/// What the ids of a network begin with.
const INVENTED: [&str; 8] = ["vpc-", "vpce-svc-", "vpce-", "subnet-", "sg-", "rtb-", "fl-", "pl-"];
/// How many digits follow.
const DIGITS: [usize; 2] = [8, 17];

/// `text` without ids of what is gone, or is AWS's own, as the prefix list of S3: the name of nothing takes their place.
fn nameless(text: &str) -> String {
    let is_id = |word: &str| {
        INVENTED.iter().any(|prefix| {
            let digits = word.strip_prefix(prefix).unwrap_or_default();
            DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    let parts = text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let named = parts.map(|part| {
        let word = part.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        if is_id(word) {
            part.replace(word, "<id>")
        } else {
            part.to_owned()
        }
    });
    named.collect()
}

/// The fields that the spec decides, the tags and the state.
fn declared(object: &Object) -> BTreeMap<String, Value> {
    let fields = find(&object.kind).map(|kind| kind.fields()).unwrap_or_default();
    let values = fields.iter().map(|field| {
        let value = object.attributes.get(field.name);
        (field.name.to_owned(), value.cloned().unwrap_or_default())
    });
    let tags = ("tags".to_owned(), json!(object.tags));
    // The words tell when.
    let phase = match object.phase {
        Phase::Ready => "ready",
        Phase::Busy(_) => "busy",
        Phase::Broken(_) => "broken",
        Phase::Leaving(_) => "leaving",
    };
    values.chain([tags, ("phase".to_owned(), json!(phase))]).collect()
}

/// Things of others that are called as the project's might be.
async fn bystanders(aws: &Aws) -> Result<()> {
    use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
    let name = Tag::builder().key("Name").value("ds-vpc-churn-dev").build();
    let project = Tag::builder().key("ProjectName").value(NAME).build();
    let tags = TagSpecification::builder().resource_type(ResourceType::Vpc);
    let made = aws.ec2.create_vpc().cidr_block("10.2.0.0/16");
    made.tag_specifications(tags.tags(name).tags(project).build())
        .send()
        .await?;
    aws.kms.create_key().description("of somebody else").send().await?;
    aws.s3
        .create_bucket()
        .bucket("ds-data-bucket-churn-prod")
        .send()
        .await?;
    aws.logs
        .create_log_group()
        .log_group_name("/ds/churn-dev-2")
        .send()
        .await?;
    Ok(())
}
