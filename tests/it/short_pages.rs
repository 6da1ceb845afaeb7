//! AWS cuts its lists as short as it likes, and the first page may be empty: nothing is made twice, missed or left.

use std::time::Duration;

use anyhow::{Result, ensure};
use secureml_rig::proxy::Calls;
use secureml_rig::{Fault, Rule};

use crate::chaos::census::{beyond, census};
use crate::environment::{FULL, clients};
use crate::world::{cluster, controller, file, kubectl, writes};

const GOES_WITH_ALL: &str = "  deletionPolicy: {buckets: Delete, keys: Delete, logs: Delete}\n";
const READY: &[&str] = &["wait", "--for=condition=Ready", "smlp/churn", "--timeout=120s"];
/// How long two sweeps may take.
const SWEEPS: Duration = Duration::from_secs(60);

#[tokio::test]
async fn lists_in_short_pages_are_read_to_their_end() -> Result<()> {
    let rig = cluster().await?;
    let aws = clients(rig.emulator.url()).await;
    let before = census(&aws).await?;
    let rule = rig.proxy.add(Rule::on("*", Fault::ShortPages(2)));
    let _controller = controller(&rig)?;
    let kube = kubectl(&rig)?;
    let manifest = format!("{}\n{GOES_WITH_ALL}", FULL.trim_end());
    kube.kubectl_text(&["apply", "-f", &file(&rig, &manifest)?]).await?;
    kube.kubectl_text(READY).await?;

    // Two sweeps at rest: each list is asked for page after page, and nothing is written.
    let mark = rig.proxy.mark();
    let pages = |calls: &Calls, token: &str| calls.iter().filter(|call| call.text().contains(token)).count();
    let swept = |calls: &Calls| {
        calls.named("ec2:DescribeVpcs").len() - pages(&calls.named("ec2:DescribeVpcs"), "NextToken") >= 2
    };
    let calls = rig.proxy.until(mark, SWEEPS, swept).await?;
    let written = writes(&rig.proxy, mark);
    ensure!(written.is_empty(), "{}", written.table());
    for (list, token, least) in [
        ("ec2:DescribeVpcEndpoints", "NextToken", 5),
        ("iam:GetAccountAuthorizationDetails", "Marker", 2),
        ("tagging:GetResources", "page-", 2),
    ] {
        let next = pages(&calls.named(list), token);
        ensure!(
            next >= least,
            "{list}: {next} further pages, not {least}\n{}",
            calls.table()
        );
    }
    ensure!(rule.hits() > 0, "no call met the rule");

    kube.kubectl_text(&["delete", "smlp", "churn", "--timeout=120s"])
        .await?;
    let mut left = beyond(&census(&aws).await?, &before);
    // They wait for the end of their thirty days.
    left.remove("keys that are to go");
    ensure!(left.is_empty(), "the account still holds {left:?}");
    Ok(())
}
