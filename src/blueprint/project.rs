use ipnet::Ipv4Net;

use super::{access, adoption, endpoints, notebooks};
use crate::api::{EnvironmentType, Invalid, SecureMLProject, SecureMLProjectSpec, check};
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

impl Project {
    /// Takes `spec` for `owner` in `account`.
    ///
    /// # Errors
    /// Every problem at once: what the API server refuses (there may be none, or an object older than its rules), and
    /// what depends on the account.
    pub fn new(owner: Owner, spec: SecureMLProjectSpec, account: Account) -> Result<Self, Vec<Invalid>> {
        let refused = refused(&owner, &spec);
        if !refused.is_empty() {
            return Err(refused);
        }
        let project = Self::found_sound(owner, spec, account)?;
        let mut problems = endpoints::check(&project.spec, &project.account, &project.subnets);
        problems.extend(notebooks::problems(&project));
        if problems.is_empty() {
            problems.extend(access::check(&project));
            problems.extend(adoption::check(&project));
        }
        if problems.is_empty() {
            Ok(project)
        } else {
            Err(problems)
        }
    }

    /// As [`Project::new`], for a spec that it accepted before in the same account: the rules are not asked again.
    ///
    /// # Errors
    /// When the subnets do not fit the account.
    pub fn found_sound(owner: Owner, spec: SecureMLProjectSpec, account: Account) -> Result<Self, Vec<Invalid>> {
        let name = spec.project_name.clone().unwrap_or_else(|| owner.name.clone());
        let subnets = places(&spec, &account).map_err(|invalid| vec![invalid])?;
        Ok(Self {
            owner,
            name,
            environment: spec.environment_type,
            spec,
            account,
            subnets,
        })
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

fn refused(owner: &Owner, spec: &SecureMLProjectSpec) -> Vec<Invalid> {
    let object = SecureMLProject::new(&owner.name, spec.clone());
    serde_json::to_value(object).map_or_else(
        |error| vec![Invalid::new("spec", error.to_string())],
        |manifest| check(&manifest),
    )
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
            "{wanted} subnets need as many availability zones, and {} has {there}: declare fewer",
            account.region
        )));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Ref;

    fn account(zones: usize) -> Account {
        let zone = |letter: char| Zone {
            id: format!("use1-az-{letter}"),
            name: format!("us-east-1{letter}"),
        };
        Account {
            partition: "aws".to_owned(),
            id: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            zones: ('a'..='z').take(zones).map(zone).collect(),
            s3_prefix_list: Ref::<()>::output(&crate::model::NodeKey::new("PrefixList", "s3"), "id").into(),
            endpoint_services: std::collections::BTreeMap::new(),
            caller: "arn:aws:iam::111122223333:role/secureml".to_owned(),
        }
    }

    fn project(name: &str, vpc: &str, zones: usize) -> Result<Project, Vec<Invalid>> {
        let mut spec = SecureMLProjectSpec::default();
        spec.network.vpc_cidr = vpc.parse().expect("a range");
        Project::new(Owner::new("test", "default", name), spec, account(zones))
    }

    #[test]
    fn subnets_are_cut_from_the_vpc() {
        let table = [
            ("10.2.0.0/16", 3, "10.2.1.0/24 10.2.2.0/24 10.2.3.0/24"),
            ("10.2.0.0/16", 2, "10.2.1.0/24 10.2.2.0/24"),
            ("10.2.0.0/16", 6, "10.2.1.0/24 10.2.2.0/24 10.2.3.0/24"),
            ("10.2.16.0/20", 3, "10.2.17.0/24 10.2.18.0/24 10.2.19.0/24"),
            ("10.2.0.0/21", 3, "10.2.0.0/23 10.2.2.0/23 10.2.4.0/23"),
            ("192.168.7.0/24", 3, "192.168.7.0/26 192.168.7.64/26 192.168.7.128/26"),
        ];
        for (vpc, zones, wanted) in table {
            let project = project("churn", vpc, zones).expect("a sound spec");
            let cidrs: Vec<String> = project.subnets.iter().map(|place| place.cidr.to_string()).collect();
            assert_eq!(cidrs.join(" "), wanted, "{vpc} over {zones} zones");
        }
    }

    #[test]
    fn what_the_api_server_would_refuse_is_refused_without_one() {
        let problems = project("churn.model", "10.2.0.0/16", 3).expect_err("a name with a dot");
        let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["spec.projectName"]);
        let problems = project("churn", "8.8.0.0/16", 3).expect_err("a public range");
        assert!(problems[0].problem.starts_with("must be private"), "{problems:?}");
    }

    #[test]
    fn more_subnets_than_zones_are_refused() {
        let mut spec = SecureMLProjectSpec::default();
        let subnets = ["10.2.1.0/24", "10.2.2.0/24", "10.2.3.0/24"];
        spec.network.subnet_cidrs = subnets.map(|cidr| cidr.parse().expect("a range")).to_vec();
        let problem = places(&spec, &account(2)).expect_err("two zones");
        assert!(problem.problem.contains("us-east-1 has 2"), "{problem}");
    }
}
