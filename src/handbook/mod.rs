//! The handbook of a project: for each of its roles a page that says what it may do, what is denied to it and why, and
//! what to do instead. Drawn from the policies themselves, in the words of [`meanings`], so it cannot say what does not
//! hold.

pub mod meanings;
mod page;
#[cfg(test)]
mod tests;
mod words;

use serde::de::DeserializeOwned;

use crate::blueprint::{Blueprint, Node};
use crate::kinds::{IamRole, Kind};
use crate::model::{Output, resolve};

pub use words::conditions;

/// A page of the handbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it is about: a role, by its node (`admin`, `user`, `launch`, `flow-logs`, `notebook-<name>`), or `data`.
    pub name: String,
    /// The page, in Markdown.
    pub text: String,
}

/// The handbook of `blueprint`: a page for each role, and one of data and keys.
pub fn pages(blueprint: &Blueprint) -> Vec<Page> {
    let roles = blueprint.nodes.values().filter(|node| node.key.kind == IamRole::NAME);
    let page = |node: &Node| {
        Some(Page {
            name: node.key.name.clone(),
            text: page::role(blueprint, node, &attributes(node)?),
        })
    };
    let data = Page {
        name: "data".to_owned(),
        text: page::data(blueprint),
    };
    roles.filter_map(page).chain([data]).collect()
}

/// What `node` shall be. Where AWS will invent an id, the resource is named that will have it.
fn attributes<T: DeserializeOwned>(node: &Node) -> Option<T> {
    let mut value = node.attributes.clone();
    resolve(&mut value, &|output: &Output| {
        Some(format!("<{}.{}>", output.node, output.name))
    });
    serde_json::from_value(value).ok()
}
