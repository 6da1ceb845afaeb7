use ipnet::Ipv4Net;

use crate::api::{EnvironmentType, SecureMLProjectSpec};
use crate::model::{Account, Owner, Tags, Zone};

/// A spec that was found sound, with everything the blueprint needs beside it.
#[derive(Clone, Debug)]
pub struct Project {
    /// Whose it is.
    pub owner: Owner,
    /// The project's name in AWS: `P`.
    pub name: String,
    /// The stage: `E`.
    pub environment: EnvironmentType,
    /// The spec.
    pub spec: SecureMLProjectSpec,
    /// Where it is built.
    pub account: Account,
    /// The private subnets: letter, zone and addresses.
    pub subnets: Vec<SubnetPlace>,
}

/// Where a subnet lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetPlace {
    /// `a`, `b`, `c`: the letter in names and parameters, not that of the zone.
    pub letter: char,
    /// The availability zone.
    pub zone: Zone,
    /// The addresses.
    pub cidr: Ipv4Net,
}

/// A spec that cannot be built, with the field at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Invalid {
    /// The path of the field.
    pub field: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl Project {
    /// Takes `spec` for `owner` in `account`.
    ///
    /// # Errors
    /// Every problem that the API server could not see, at once.
    pub fn new(owner: Owner, spec: SecureMLProjectSpec, account: Account) -> Result<Self, Vec<Invalid>> {
        let unbuilt = not_carried_out_yet(&spec);
        if !unbuilt.is_empty() {
            return Err(unbuilt);
        }
        let name = spec.project_name.clone().unwrap_or_else(|| owner.name.clone());
        let subnets = places(&spec, &account).map_err(|invalid| vec![invalid])?;
        let project = Self {
            owner,
            name,
            environment: spec.environment_type,
            spec,
            account,
            subnets,
        };
        let problems = super::access::check(&project);
        if problems.is_empty() {
            Ok(project)
        } else {
            Err(problems)
        }
    }

    /// The tags of every resource.
    pub fn tags(&self) -> Tags {
        let tags: Tags = self
            .spec
            .tags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        tags.with("ProjectName", &self.name)
            .with("EnvironmentType", self.environment.as_str())
    }
}

/// Settings that are part of the API's design and that no code carries out yet are refused, not ignored.
fn not_carried_out_yet(spec: &SecureMLProjectSpec) -> Vec<Invalid> {
    let plain = SecureMLProjectSpec::default();
    let settings = [
        (
            "spec.network.subnetCidrs",
            spec.network.subnet_cidrs == plain.network.subnet_cidrs,
        ),
        (
            "spec.network.flowLogRetentionDays",
            spec.network.flow_log_retention_days == plain.network.flow_log_retention_days,
        ),
        ("spec.endpoints", spec.endpoints == plain.endpoints),
        ("spec.encryption", spec.encryption == plain.encryption),
        ("spec.packages", spec.packages == plain.packages),
        ("spec.notebooks", spec.notebooks == plain.notebooks),
        ("spec.deletionPolicy", spec.deletion_policy == plain.deletion_policy),
    ];
    let set = settings.into_iter().filter(|(_, is_default)| !is_default);
    let refused = |(field, _): (&str, bool)| Invalid {
        field: field.to_owned(),
        problem: "this version does not carry it out yet; remove it".to_owned(),
    };
    set.map(refused).collect()
}

fn places(spec: &SecureMLProjectSpec, account: &Account) -> Result<Vec<SubnetPlace>, Invalid> {
    let vpc = spec.network.vpc_cidr;
    let cidrs = if spec.network.subnet_cidrs.is_empty() {
        cut(vpc, account.zones.len().min(3))
    } else {
        spec.network.subnet_cidrs.clone()
    };
    let fail = |problem: String| Invalid {
        field: "spec.network.subnetCidrs".to_owned(),
        problem,
    };
    if cidrs.len() > account.zones.len() {
        let (wanted, there) = (cidrs.len(), account.zones.len());
        return Err(fail(format!(
            "{wanted} subnets need as many availability zones; {} has {there}",
            account.region
        )));
    }
    if let Some(outside) = cidrs.iter().find(|cidr| !vpc.contains(*cidr)) {
        return Err(fail(format!("{outside} is not inside the VPC's {vpc}")));
    }
    for (i, cidr) in cidrs.iter().enumerate() {
        if let Some(other) = cidrs[..i]
            .iter()
            .find(|other| other.contains(cidr) || cidr.contains(*other))
        {
            return Err(fail(format!("{cidr} overlaps {other}")));
        }
    }
    let letters = 'a'..='z';
    let places = letters.zip(&account.zones).zip(cidrs);
    Ok(places
        .map(|((letter, zone), cidr)| SubnetPlace {
            letter,
            zone: zone.clone(),
            cidr,
        })
        .collect())
}

/// The published design's subnets where they fit (`10.2.1.0/24`, `.2`, `.3` of a /16), else equal parts.
fn cut(vpc: Ipv4Net, count: usize) -> Vec<Ipv4Net> {
    let length = if vpc.prefix_len() <= 20 {
        24
    } else {
        vpc.prefix_len() + 2
    };
    let parts = vpc.subnets(length).into_iter().flatten();
    let skip = usize::from(vpc.prefix_len() <= 20);
    parts.skip(skip).take(count).collect()
}
