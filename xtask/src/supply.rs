//! What is built in: its licences, where it comes from, what is banned, and what is known against it. The rules are those of
//! `deny.toml`. cargo-deny knows more, and is asked where it is installed; it needs the network for what is known against a
//! crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use secureml_rig::paths::workspace;
use serde::Deserialize;
use spdx::{Expression, ParseMode};

/// The cargo-deny that `deny.toml` is written for.
const CARGO_DENY: &str = "cargo-deny@0.18";

#[derive(Deserialize)]
struct Rules {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

/// Checks everything that is built in.
pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(workspace().join("deny.toml")).context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml")?;
    let mut packages = BTreeMap::new();
    for target in &rules.graph.targets {
        let Metadata { packages: all, resolve } = metadata(target)?;
        let used: BTreeSet<String> = resolve.nodes.into_iter().map(|node| node.id).collect();
        let used = all.into_iter().filter(|package| used.contains(&package.id));
        packages.extend(used.map(|package| (package.id.clone(), package)));
    }
    let packages: Vec<Package> = packages.into_values().collect();
    let problems = problems(&rules, &packages)?;
    ensure!(
        problems.is_empty(),
        "deny.toml does not allow:\n{}",
        problems.join("\n")
    );
    println!(
        "{} crates have licences, sources and versions that deny.toml allows",
        packages.len()
    );
    known_against()
}

fn metadata(target: &str) -> Result<Metadata> {
    let arguments = [
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        target,
    ];
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(workspace())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn problems(rules: &Rules, packages: &[Package]) -> Result<Vec<String>> {
    let allowed = rules.licenses.allow.iter().map(|license| Expression::parse(license));
    let allowed: Vec<Expression> = allowed.collect::<Result<_, _>>().context("deny.toml: licenses")?;
    let is_allowed = |text: &str| -> Result<bool> {
        let license = Expression::parse_mode(text, ParseMode::LAX).with_context(|| text.to_owned())?;
        let named = |wanted: &spdx::LicenseReq| {
            allowed
                .iter()
                .any(|one| one.requirements().any(|given| given.req == *wanted))
        };
        Ok(license.evaluate(named))
    };
    let mut problems = Vec::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Package {
        name,
        version,
        license,
        source,
        ..
    } in packages
    {
        versions.entry(name).or_default().insert(version);
        match license {
            Some(text) if is_allowed(text)? => {}
            Some(text) => problems.push(format!("{name} {version}: the licence {text}")),
            None => problems.push(format!("{name} {version}: it names no licence")),
        }
        // What has no source is a part of this workspace.
        let registry = |source: &String| source.strip_prefix("registry+").map(str::to_owned);
        match source
            .as_ref()
            .map(|source| registry(source).unwrap_or_else(|| source.clone()))
        {
            Some(from) if !rules.sources.allow_registry.contains(&from) => {
                problems.push(format!("{name} {version}: it comes from {from}"));
            }
            _ => {}
        }
    }
    for ban in &rules.bans.deny {
        let there = versions.get(ban.name.as_str()).map_or(0, BTreeSet::len);
        if ban.deny_multiple_versions && there > 1 {
            problems.push(format!("{}: {there} versions", ban.name));
        } else if !ban.deny_multiple_versions && there > 0 {
            problems.push(format!("{}: it is banned", ban.name));
        }
    }
    Ok(problems)
}

/// Whether something is known against what is built in. Where that cannot be told, it is said, and nobody is held up.
fn known_against() -> Result<()> {
    let cargo = |arguments: &[&str]| Command::new("cargo").args(arguments).current_dir(workspace()).output();
    if !cargo(&["deny", "--version"])?.status.success() {
        not_checked(&format!(
            "cargo-deny is not installed: cargo install --locked {CARGO_DENY}"
        ));
        return Ok(());
    }
    let output = cargo(&["deny", "check"])?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("failed to fetch advisory database") {
        not_checked("the database of advisories cannot be reached");
        let rest = cargo(&["deny", "check", "bans", "licenses", "sources"])?;
        ensure!(rest.status.success(), "{}", String::from_utf8_lossy(&rest.stderr));
        return Ok(());
    }
    bail!("{said}")
}

fn not_checked(why: &str) {
    println!("!! NOT CHECKED: whether anything is known against the crates that are built in: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: Option<&str>, source: Option<&str>) -> Package {
        Package {
            id: format!("{name}@{version}"),
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.map(str::to_owned),
            source: source.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_not_allowed_is_named() -> Result<()> {
        let rules: Rules = toml::from_str(&fs::read_to_string(workspace().join("deny.toml"))?)?;
        let index = Some("registry+https://github.com/rust-lang/crates.io-index");
        let sound = [
            package("a", "1.0.0", Some("MIT/Apache-2.0"), index),
            package("b", "1.0.0", Some("(GPL-3.0-only OR ISC) AND Zlib"), index),
            package("c", "1.0.0", Some("Apache-2.0 WITH LLVM-exception"), index),
            package("secureml", "0.1.0", Some("Apache-2.0"), None),
            package("tokio", "1.0.0", Some("MIT"), index),
        ];
        assert_eq!(problems(&rules, &sound)?, Vec::<String>::new());
        let not = [
            package("a", "1.0.0", Some("MIT AND GPL-3.0-only"), index),
            package("b", "1.0.0", None, index),
            package("c", "1.0.0", Some("MIT"), Some("git+https://example.com/c#1")),
            package("openssl-sys", "0.9.0", Some("MIT"), index),
            package("tokio", "1.0.0", Some("MIT"), index),
            package("tokio", "2.0.0", Some("MIT"), index),
        ];
        let found = problems(&rules, &not)?;
        let wanted = [
            "a 1.0.0: the licence MIT AND GPL-3.0-only",
            "b 1.0.0: it names no licence",
            "c 1.0.0: it comes from git+https://example.com/c#1",
            "openssl-sys: it is banned",
            "tokio: 2 versions",
        ];
        assert_eq!(found, wanted);
        Ok(())
    }
}
