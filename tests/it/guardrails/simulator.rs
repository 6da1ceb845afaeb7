//! The words of the simulator's protocol.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

/// Questions for the simulator, in order.
#[derive(Default)]
pub struct Questions {
    lines: String,
    count: usize,
}

/// The number of a question.
#[derive(Clone, Copy, Debug)]
pub struct Asked(usize);

impl Questions {
    pub fn ask(&mut self, line: &Value) -> Asked {
        self.lines.push_str(&line.to_string());
        self.lines.push('\n');
        self.count += 1;
        Asked(self.count - 1)
    }

    pub fn policy(&mut self, id: &str, kind: &str, document: &Value) -> Asked {
        self.ask(&json!({"op": "policy", "id": id, "kind": kind, "document": document}))
    }

    pub fn answer(self) -> Result<Answers> {
        let answers = secureml_rig::simulate(&self.lines)?;
        Ok(Answers(answers))
    }
}

/// What the simulator said.
pub struct Answers(Vec<String>);

impl Answers {
    /// The answer to `asked`.
    pub fn get<T: for<'a> Deserialize<'a>>(&self, asked: Asked) -> Result<T> {
        let text = &self.0[asked.0];
        serde_json::from_str(text).with_context(|| format!("the simulator answered {text}"))
    }

    /// The answers that are errors.
    pub fn error(&self, asked: Asked) -> Option<&str> {
        let text = &self.0[asked.0];
        text.contains("\"errors\"").then_some(text)
    }
}

/// Which context keys an action does not carry.
#[derive(Deserialize)]
pub struct Requested {
    pub ignored: Vec<String>,
}

/// How a request was decided.
#[derive(Clone, Debug, Deserialize)]
pub struct Decision {
    pub result: String,
    pub layers: Layers,
}

impl Decision {
    pub fn allowed(&self) -> bool {
        self.result == "Allowed"
    }
}

/// What each layer says; a layer that does not apply is absent.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Layers {
    pub role: Option<Layer>,
    pub boundary: Option<Layer>,
    pub resource: Option<Layer>,
    pub endpoint: Option<Layer>,
    pub organization: Option<Layer>,
}

/// What one layer says: the statements that allow and deny, each with its policy.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Layer {
    pub allow: BTreeSet<(String, String)>,
    pub deny: BTreeSet<(String, String)>,
}

impl Layer {
    /// Nothing in it allows, and nothing needs to deny.
    pub fn silent(&self) -> bool {
        self.allow.is_empty()
    }

    pub fn allows(&self) -> bool {
        !self.allow.is_empty() && self.deny.is_empty()
    }

    pub fn denies(&self, sid: &str) -> bool {
        self.deny.iter().any(|(_, deciding)| deciding == sid)
    }
}
