//! A fleet created under AWS's published request limits, of which somebody else uses half.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use secureml_rig::proxy::Buckets;
use serde_json::Value;

use super::{cluster, project, seconds, start};

/// How much of every limit somebody else uses, and how much of it the controller may.
const SHARE: f64 = 0.5;
/// How often the fleet is looked at.
const LOOK: Duration = Duration::from_secs(20);
/// How long a project may take: its endpoints at half of AWS's 0.3 a second, twice over.
const PATIENCE: Duration = Duration::from_secs(240);
/// The share of our calls that AWS may throttle.
const MOST_THROTTLED: f64 = 0.005;
/// Buckets that are as good as unused are not worth a line.
const WORTH_TELLING: f64 = 0.05;

/// Creates `count` projects and tells how AWS's limits were kept.
pub(super) async fn measure(binary: &Path, count: usize) -> Result<()> {
    let rig = start(binary).await?;
    let cluster = cluster(&rig)?;
    let share = SHARE.to_string();
    let args = ["controller", "--installation", "bench", "--aws-rate-share", &share];
    let controller = rig.start_controller(&args)?;
    rig.proxy.set_buckets(Buckets::aws_defaults().foreign_share(SHARE));
    let path = rig.directory().join("fleet.yaml");
    fs::write(&path, (0..count).map(project).collect::<Vec<_>>().join("---\n"))?;
    let (mark, begun) = (rig.proxy.mark(), Instant::now());
    cluster
        .kubectl_text(&["apply", "-f", &path.display().to_string()])
        .await?;
    let patience = PATIENCE * u32::try_from(count)? + PATIENCE;
    println!("{:>8}  {:>5}  a project that waits says", "s", "ready");
    let mut tells_when = false;
    loop {
        tokio::time::sleep(LOOK).await;
        let text = cluster.kubectl_text(&["get", "smlp", "-o", "json"]).await?;
        let states = states(&serde_json::from_str(&text)?);
        let ready = states.values().filter(|state| state.is_none()).count();
        let waits = states.values().flatten().next();
        let says = waits.map_or("", String::as_str);
        tells_when |= says.contains("waits for its turn under AWS's rate limit, about ");
        println!("{:>8}  {ready:>5}  {says}", seconds(begun.elapsed()));
        if ready == count {
            break;
        }
        if begun.elapsed() > patience {
            bail!("only {ready} of {count} projects are ready\n{}", controller.tail());
        }
    }
    let (took, calls) = (begun.elapsed(), rig.proxy.calls_since(mark));
    let throttled = calls.throttled().len();
    let share = throttled as f64 / calls.len().max(1) as f64;
    println!(
        "\n{count} projects in {} s: {} calls, {throttled} throttled ({:.2} %)",
        seconds(took),
        calls.len(),
        share * 100.0,
    );
    println!(
        "{:<36}{:>6}{:>9}{:>10}{:>10}",
        "bucket", "ours", "refused", "foreign", "refused"
    );
    for usage in rig.proxy.bucket_usage() {
        let (ours, foreign) = (usage.ours, usage.foreign);
        if usage.share(took) > WORTH_TELLING || ours.refused > 0 {
            println!(
                "{:<36}{:>6}{:>9}{:>10}{:>10}  {:.0} % of its refill",
                usage.api,
                ours.taken,
                ours.refused,
                foreign.taken,
                foreign.refused,
                usage.share(took) * 100.0,
            );
        }
    }
    ensure!(
        share < MOST_THROTTLED,
        "{throttled} of {} calls were throttled",
        calls.len()
    );
    // One alone need not wait long enough to say so.
    ensure!(tells_when || count == 1, "no project said when its endpoints are made");
    Ok(())
}

/// By project: nothing if it is ready, else what it says.
fn states(list: &Value) -> BTreeMap<String, Option<String>> {
    let items = list["items"].as_array().into_iter().flatten();
    let state = |item: &Value| {
        let name = item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let conditions = item["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready");
        let text = |field: &str| ready.and_then(|ready| ready[field].as_str()).unwrap_or_default();
        let waits = (text("status") != "True").then(|| format!("{}: {}", text("reason"), text("message")));
        (name, waits)
    };
    items.map(state).collect()
}
