//! One whole environment, worked on by the engine within the test, so that every pass can be looked into.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::config::{BehaviorVersion, Credentials, Region};
use secureml::api::{SecureMLProject, SecureMLProjectSpec};
use secureml::audit;
use secureml::aws::{Aws, describe_account};
use secureml::blueprint::{self, Blueprint, Project};
use secureml::engine::{Class, Details, Inventory, Memory, Report, carry_out, look};
use secureml::model::{NodeKey, Owner};
use secureml::plan::{Action, Goal, Object, Phase, Plan, World, render};
use secureml_rig::proxy::Mark;
use secureml_rig::{REGION, Rig};

/// A manifest with everything that the product can make.
pub const FULL: &str = include_str!("full.yaml");
/// Whom the tests' resources belong to.
pub const INSTALLATION: &str = "test";
/// How long AWS may be at work on something.
const PATIENCE: Duration = Duration::from_secs(60);

/// Clients for the AWS at `url`.
pub async fn clients(url: &str) -> Arc<Aws> {
    clients_within(url, None).await
}

/// Clients for the AWS at `url` that wait for an answer for so long.
pub async fn clients_within(url: &str, at_most: Option<Duration>) -> Arc<Aws> {
    let mut timeouts = TimeoutConfig::builder();
    timeouts.set_operation_attempt_timeout(at_most);
    let config = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts.build())
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(REGION))
        .load()
        .await;
    Arc::new(Aws::new(&config, secureml::aws::Share::UNLIMITED))
}

/// The project that `manifest` declares.
pub fn parse(manifest: &str) -> Result<SecureMLProject> {
    Ok(serde_saphyr::from_str(manifest)?)
}

/// What AWS holds of a project, by `Kind/name`.
pub type Objects = BTreeMap<String, Object>;

/// What AWS holds of the project `owner`, seen by `aws` now.
pub async fn observe(aws: &Arc<Aws>, owner: &Owner) -> Result<Objects> {
    observe_those(aws, owner, |_| true).await
}

/// The same, of what is not on its way out.
pub async fn observe_standing(aws: &Arc<Aws>, owner: &Owner) -> Result<Objects> {
    observe_those(aws, owner, |object| !matches!(object.phase, Phase::Leaving(_))).await
}

/// The same, of those that are `wanted`.
async fn observe_those(aws: &Arc<Aws>, owner: &Owner, wanted: fn(&Object) -> bool) -> Result<Objects> {
    let single = |(node, objects): (NodeKey, Vec<Object>)| {
        let mut found = objects.into_iter().filter(wanted);
        match (found.next(), found.next()) {
            (Some(object), None) => Ok((node.to_string(), object)),
            (None, _) => Err(anyhow!("{node} is not there")),
            _ => Err(anyhow!("{node} is there more than once")),
        }
    };
    copies(aws, owner).await?.into_iter().map(single).collect()
}

/// What AWS holds for each node of the project `owner`, however often.
pub async fn copies(aws: &Arc<Aws>, owner: &Owner) -> Result<BTreeMap<NodeKey, Vec<Object>>> {
    let now = Instant::now();
    let (world, _) = inventory(aws).world(owner, Details::Paced, |_| now).await;
    ensure!(world.unread.is_empty(), "could not be read: {:?}", world.unread);
    Ok(world.owned)
}

/// One project on an AWS of its own.
pub struct Environment {
    /// The AWS.
    pub rig: Rig,
    /// Clients that the proxy does not see.
    pub aws: Arc<Aws>,
    /// Whose it is.
    pub owner: Owner,
    seen: Arc<Aws>,
    inventory: Inventory,
    project: Project,
    blueprint: Blueprint,
    memory: Memory,
    passes: usize,
}

/// One pass: what was planned, what became of it, and which calls that would change AWS the proxy saw.
pub struct Pass {
    pub plan: Plan,
    pub report: Report,
    pub writes: Vec<String>,
}

impl Environment {
    /// An environment as `manifest` declares it, of which nothing is there yet.
    pub async fn new(manifest: &str) -> Result<Self> {
        Self::within(manifest, None).await
    }

    /// The same, whose controller waits for an answer of AWS for so long.
    pub async fn within(manifest: &str, at_most: Option<Duration>) -> Result<Self> {
        let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
        let project = parse(manifest)?;
        let name = project.metadata.name.as_deref().unwrap_or_default();
        let owner = Owner::new(INSTALLATION, "default", name);
        let project = describe(&*clients(&rig.proxy.url()).await, &owner, project.spec).await?;
        let seen = clients_within(&rig.proxy.url(), at_most).await;
        Ok(Self {
            aws: clients(rig.emulator.url()).await,
            blueprint: blueprint::draw(&project),
            project,
            memory: Memory::default(),
            passes: 0,
            owner,
            rig,
            inventory: inventory(&seen),
            seen,
        })
    }

    /// Declares something else from now on.
    pub async fn declare(&mut self, spec: SecureMLProjectSpec) -> Result<()> {
        self.project = describe(&self.seen, &self.owner, spec).await?;
        self.blueprint = blueprint::draw(&self.project);
        Ok(())
    }

    /// Knows that AWS's lists show within this time what was made.
    pub fn shows_within(&mut self, time: Duration) {
        self.memory = Memory::new(time);
    }

    /// Forgets what earlier passes wrote, as a process that starts anew: a difference that looks like one just
    /// corrected is then no answer from the past.
    pub fn restart(&mut self) {
        self.memory = Memory::default();
        self.inventory = inventory(&self.seen);
    }

    /// What AWS holds of it and is not on its way out.
    pub async fn observe_standing(&self) -> Result<Objects> {
        observe_standing(&self.aws, &self.owner).await
    }

    /// Takes all tags off the project's key; the key as it was.
    pub async fn untag_key(&self) -> Result<Object> {
        let key = self.observe().await?["KmsKey/project"].clone();
        let tags = key.tags.iter().map(|(name, _)| name.to_owned()).collect();
        let request = self.aws.kms.untag_resource().key_id(&key.id);
        request.set_tag_keys(Some(tags)).send().await?;
        Ok(key)
    }

    /// What AWS holds of it, seen past the proxy.
    pub async fn observe(&self) -> Result<Objects> {
        observe(&self.aws, &self.owner).await
    }

    /// What is to be done, and what the audit says. Of `objects` nothing is believed that was read before, as when the
    /// slow lane has come round.
    pub async fn look_anew(&mut self, objects: &Objects) -> Result<(Plan, audit::Report)> {
        for (node, object) in objects {
            self.inventory.forget(&node.parse()?, &object.id);
        }
        let (world, plan) = self.look(Goal::Present).await?;
        Ok((plan, audit::audit(&self.project, &self.blueprint, &world)))
    }

    /// What is to be done.
    pub async fn plan(&mut self, goal: Goal) -> Result<Plan> {
        Ok(self.look(goal).await?.1)
    }

    /// What AWS holds, and what is to be done about it.
    pub async fn look(&mut self, goal: Goal) -> Result<(World, Plan)> {
        let (inventory, memory) = (&self.inventory, &mut self.memory);
        Ok(Box::pin(look(inventory, &self.blueprint, goal, memory, Instant::now(), false)).await?)
    }

    /// What is declared, and found sound.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// What that asks for.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Plans and carries the plan out, whatever comes of it.
    pub async fn attempt(&mut self, goal: Goal) -> Result<(World, Plan, Report)> {
        let (world, plan) = self.look(goal).await?;
        self.passes += 1;
        let incarnation = self.passes.to_string();
        let report = Box::pin(carry_out(&self.inventory, &plan, &mut self.memory, &incarnation)).await;
        Ok((world, plan, report))
    }

    /// Plans and carries the plan out. Fails when the calls that changed AWS are not those of the plan.
    pub async fn pass(&mut self, goal: Goal) -> Result<Pass> {
        let plan = self.plan(goal).await?;
        let mark = self.rig.proxy.mark();
        // What is made anew must not be answered with its dead predecessor.
        self.passes += 1;
        let incarnation = self.passes.to_string();
        let report = Box::pin(carry_out(&self.inventory, &plan, &mut self.memory, &incarnation)).await;
        let writes = self.writes_since(mark);
        // What is deleted may be held for a while by what AWS has not cleared away yet.
        let held = |class| goal == Goal::Absent && class == Class::InUse;
        let failures: Vec<String> = report
            .failures()
            .filter(|(_, failure)| !held(failure.class))
            .map(|(node, failure)| format!("{node}: {failure}"))
            .collect();
        ensure!(failures.is_empty(), "{}\n{}", failures.join("\n"), render(&plan));
        let mut planned: Vec<String> = plan
            .writes()
            .flat_map(|(node, step)| {
                let sent = report.entries.get(node).map_or(0, |entry| entry.calls);
                step.calls.iter().take(sent).map(|call| call.call.clone())
            })
            .collect();
        planned.sort_unstable();
        ensure!(
            planned == writes,
            "the calls are not those of the plan:\n{}\nsent: {writes:#?}",
            render(&plan)
        );
        Ok(Pass { plan, report, writes })
    }

    /// Passes until nothing is left to do; those that did something, in order.
    pub async fn settle(&mut self, goal: Goal) -> Result<Vec<Pass>> {
        let begun = Instant::now();
        let mut passes = Vec::new();
        loop {
            let pass = self.pass(goal).await?;
            if pass.plan.is_settled() {
                return Ok(passes);
            }
            let stuck = |action| matches!(action, Action::Blocked | Action::Conflict);
            ensure!(
                begun.elapsed() < PATIENCE && !pass.plan.steps.values().any(|step| stuck(step.action)),
                "it does not settle:\n{}",
                render(&pass.plan)
            );
            if pass.writes.is_empty() || pass.report.failures().next().is_some() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if !pass.writes.is_empty() {
                passes.push(pass);
            }
        }
    }

    fn writes_since(&self, mark: Mark) -> Vec<String> {
        let writes = self.rig.proxy.calls_since(mark).writes();
        let mut names: Vec<String> = writes.into_iter().map(|call| call.name).collect();
        names.sort_unstable();
        names
    }
}

fn inventory(aws: &Arc<Aws>) -> Inventory {
    Inventory::new(Arc::clone(aws), INSTALLATION, secureml::engine::Permit::always())
}

async fn describe(aws: &Aws, owner: &Owner, spec: SecureMLProjectSpec) -> Result<Project> {
    let account = describe_account(aws).await.context("the account")?;
    Project::new(owner.clone(), spec, account).map_err(|problems| anyhow!("{problems:?}"))
}
