//! The environments that scenarios happen in, with all their policies and cases; and all of them evaluated, once.

use std::sync::LazyLock;

use anyhow::{Result, anyhow};
use secureml::api::Preset;

use super::environment::{Environment, OURS, Others, Policy, STRANGERS};
use super::evaluated::Evaluated;
use super::scenario::{Case, World};
use super::suite::Suite;

const FULL: &str = include_str!("scenarios/environment.yaml");
const NEIGHBOUR: &str = include_str!("scenarios/neighbour.yaml");

/// The files of attacks and of legitimate work.
const ATTACKS: &[(&str, &str)] = &[
    ("attacks/network.yaml", include_str!("scenarios/attacks/network.yaml")),
    (
        "attacks/encryption.yaml",
        include_str!("scenarios/attacks/encryption.yaml"),
    ),
    (
        "attacks/notebooks.yaml",
        include_str!("scenarios/attacks/notebooks.yaml"),
    ),
    (
        "attacks/neighbours.yaml",
        include_str!("scenarios/attacks/neighbours.yaml"),
    ),
    (
        "attacks/exfiltration.yaml",
        include_str!("scenarios/attacks/exfiltration.yaml"),
    ),
    ("attacks/storage.yaml", include_str!("scenarios/attacks/storage.yaml")),
    ("attacks/keys.yaml", include_str!("scenarios/attacks/keys.yaml")),
    (
        "attacks/administration.yaml",
        include_str!("scenarios/attacks/administration.yaml"),
    ),
    ("attacks/roles.yaml", include_str!("scenarios/attacks/roles.yaml")),
    (
        "attacks/everything.yaml",
        include_str!("scenarios/attacks/everything.yaml"),
    ),
];
const WORK: &[(&str, &str)] = &[
    ("work/labs.yaml", include_str!("scenarios/work/labs.yaml")),
    ("work/people.yaml", include_str!("scenarios/work/people.yaml")),
    ("work/services.yaml", include_str!("scenarios/work/services.yaml")),
];

/// The environments: ours, that of a neighbour whose name begins like ours, and one of another account.
pub struct Ground {
    pub ours: Environment,
    pub theirs: Environment,
    pub strangers: Environment,
}

impl Ground {
    pub fn draw() -> Result<Self> {
        Self::under(Preset::default())
    }

    /// With the preset `preset` of the guardrails.
    pub fn under(preset: Preset) -> Result<Self> {
        let ours = format!("{FULL}  guardrails: {{preset: {preset:?}}}\n");
        Ok(Self {
            ours: Environment::draw(&ours, OURS)?,
            theirs: Environment::draw(NEIGHBOUR, OURS)?,
            strangers: Environment::draw(FULL, STRANGERS)?,
        })
    }

    /// Every policy of our environment and of the neighbour's.
    pub fn policies(&self) -> Vec<Policy> {
        let of = |environment: &Environment| {
            let nodes = environment.nodes.values();
            nodes.flat_map(|node| environment.policies(node)).collect::<Vec<_>>()
        };
        let mut all = of(&self.ours);
        all.extend(of(&self.theirs));
        all
    }

    /// What scenarios are read in.
    pub fn world(&self) -> Result<World<'_>> {
        World::new(Others {
            ours: &self.ours,
            theirs: &self.theirs,
            strangers: &self.strangers,
        })
    }

    /// The attacks and the legitimate actions.
    pub fn cases(&self) -> Result<(Vec<Case>, Vec<Case>)> {
        let world = self.world()?;
        let read = |files: &[(&str, &str)], work: &[Case]| -> Result<Vec<Case>> {
            let mut cases = Vec::new();
            for (file, text) in files {
                cases.extend(world.cases(file, text, work)?);
            }
            Ok(cases)
        };
        let work = read(WORK, &[])?;
        Ok((read(ATTACKS, &work)?, work))
    }
}

/// Every scenario under the default guardrails, evaluated once for all tests that look at the results.
pub struct Whole {
    pub ground: Ground,
    /// The attacks first, and then the legitimate actions.
    pub evaluated: Vec<Evaluated>,
    /// How many of them are attacks.
    pub attacks: usize,
}

impl Whole {
    pub fn get() -> Result<&'static Self> {
        static WHOLE: LazyLock<Result<Whole, String>> =
            LazyLock::new(|| Whole::evaluate().map_err(|error| format!("{error:#}")));
        WHOLE.as_ref().map_err(|error| anyhow!("{error}"))
    }

    fn evaluate() -> Result<Self> {
        let ground = Ground::draw()?;
        let (attacks, work) = ground.cases()?;
        let count = attacks.len();
        let cases = attacks.into_iter().chain(work).collect();
        let evaluated = Suite::new(&ground.policies(), cases).evaluate()?;
        Ok(Self {
            ground,
            evaluated,
            attacks: count,
        })
    }
}
