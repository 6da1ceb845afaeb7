//! What AWS asks of IAM for each operation: the table `operations.yaml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use secureml::policy::sagemaker;
use serde::Deserialize;

const TABLE: &str = include_str!("operations.yaml");

/// One operation; `operations.yaml` says what each field means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    #[serde(default)]
    pub uri: Option<String>,
    pub on: Vec<String>,
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    #[serde(default)]
    pub other: Vec<String>,
    #[serde(default)]
    pub then: BTreeMap<String, String>,
    #[serde(default)]
    pub like: Option<String>,
    #[serde(default)]
    pub steps: Option<String>,
}

/// Every operation that is known.
pub struct Operations(BTreeMap<String, Operation>);

impl Operations {
    pub fn read() -> Result<Self> {
        let all: BTreeMap<String, Operation> = serde_saphyr::from_str(TABLE).context("operations.yaml")?;
        for (name, operation) in &all {
            operation.check(name)?;
        }
        Ok(Self(all))
    }

    pub fn get(&self, name: &str) -> Result<&Operation> {
        let found = self.0.get(name);
        found.with_context(|| format!("operations.yaml does not say what AWS asks of IAM for {name}"))
    }
}

impl Operation {
    /// Whether it speaks of every key that SageMaker puts into the context of `action`.
    fn check(&self, action: &str) -> Result<()> {
        let spoken_of = |key: &str| self.with.contains_key(key) || self.other.iter().any(|other| other == key);
        let missing: Vec<&str> = sagemaker::keys(action).filter(|key| !spoken_of(key)).collect();
        ensure!(
            missing.is_empty(),
            "operations.yaml says nothing of {missing:?} of {action}"
        );
        Ok(())
    }
}
