//! Whose an environment is: two clusters of one name, two installations that want the same names, and a definition that is
//! removed.

mod clusters;
mod definition;
mod holders;
mod names;

use std::time::Duration;

use anyhow::{Context, Result};
use secureml_rig::{ControlPlane, Process, Proxy, Rig};

use crate::world::{Watched, define, eventually};

/// How long anything may take that does not depend on how long claims are waited for.
const SOON: Duration = Duration::from_secs(120);

/// A cluster beside the first of `rig`, on the same AWS, with a proxy of its own.
struct Beside {
    cluster: ControlPlane,
    proxy: Proxy,
}

impl Beside {
    async fn new(rig: &Rig) -> Result<Self> {
        let beside = Self {
            cluster: ControlPlane::start().await?,
            proxy: Proxy::start(rig.emulator.url())?,
        };
        define(&beside.cluster).await?;
        Ok(beside)
    }

    /// Starts a controller there.
    fn controller(&mut self, rig: &mut Rig, args: &[&str]) -> Result<Process> {
        self.swap(rig)?;
        let started = rig.start_controller(args);
        self.swap(rig)?;
        started
    }

    /// Puts this cluster in the place of the rig's, and back.
    fn swap(&mut self, rig: &mut Rig) -> Result<()> {
        let first = rig.control_plane.as_mut().context("the rig has no cluster")?;
        std::mem::swap(first, &mut self.cluster);
        std::mem::swap(&mut rig.proxy, &mut self.proxy);
        Ok(())
    }
}

/// Waits until the project says that it is not ready for `reason`; what else it says.
async fn says(seen: &Watched, reason: &str, within: Duration) -> Result<String> {
    eventually(reason, within, || async { Ok(told(seen, reason).await?.is_some()) })
        .await
        .with_context(|| format!("it does not say {reason}"))?;
    told(seen, reason)
        .await?
        .with_context(|| format!("it says {reason} no more"))
}

async fn told(seen: &Watched, reason: &str) -> Result<Option<String>> {
    let why = seen.ready().await?.err().unwrap_or_default();
    Ok(why.strip_prefix(&format!("{reason}: ")).map(str::to_owned))
}

/// Waits until the project is as declared.
async fn ready(seen: &Watched, within: Duration) -> Result<()> {
    let waited = eventually("the project is ready", within, || async {
        Ok(seen.ready().await?.is_ok())
    })
    .await;
    match waited {
        Ok(()) => Ok(()),
        Err(error) => Err(error.context(seen.ready().await?.err().unwrap_or_default())),
    }
}
