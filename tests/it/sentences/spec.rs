//! What is said of a spec that cannot be built.

use anyhow::{Context, Result};
use secureml::api::SecureMLProjectStatus;
use secureml::blueprint::Project;
use secureml::controller::status;

use super::{Origin, Told, object};
use crate::environment::{Environment, FULL};

pub fn what_cannot_be_built(environment: &Environment, told: &mut Told) -> Result<()> {
    let mut say = |situation: &str, adjust: &dyn Fn(&mut Project)| -> Result<()> {
        let mut project = environment.project().clone();
        adjust(&mut project);
        let object = object(FULL)?;
        let refused = Project::new(project.owner, project.spec, project.account);
        let problems = refused.err().with_context(|| format!("can be built: {situation}"))?;
        told.conditions(
            Origin::Values,
            situation,
            &status::invalid(&object, SecureMLProjectStatus::default(), &problems),
        );
        Ok(())
    };
    say("an endpoint is asked for that nobody knows", &|project| {
        project.spec.endpoints.additional = vec!["secretmanager".to_owned()];
    })?;
    say("a service is not offered in the region", &|project| {
        project
            .account
            .endpoint_services
            .retain(|name, _| !name.ends_with(".kms"));
    })?;
    say("the region has too few zones", &|project| {
        project.account.zones.truncate(2);
        let cidr = |text: &str| text.parse();
        project.spec.network.subnet_cidrs = ["10.2.1.0/24", "10.2.2.0/24", "10.2.3.0/24"]
            .into_iter()
            .flat_map(cidr)
            .collect();
    })?;
    say("a notebook stands in a subnet that is not there", &|project| {
        project.account.zones.truncate(2);
        project.spec.notebooks[1].subnet = 3;
    })?;
    say("a notebook has a machine that the guardrails deny", &|project| {
        project.spec.notebooks[0].instance_type = "ml.p4d.24xlarge".to_owned();
    })?;
    say(
        "the network is not private, in an object older than the rule",
        &|project| {
            if let Ok(cidr) = "8.8.0.0/16".parse() {
                project.spec.network.vpc_cidr = cidr;
            }
        },
    )
}
