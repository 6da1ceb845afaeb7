//! The command line, without a cluster.

use anyhow::{Context, Result, ensure};
use secureml_rig::Rig;
use serde_json::Value;

use crate::environment::clients;

const MINIMAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/minimal.yaml");

#[tokio::test]
async fn plan_apply_plan_destroy() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;

    let planned = rig.secureml(&["plan", "-f", MINIMAL, "--output", "json"]).await?;
    assert_eq!(
        planned.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&planned.stderr)
    );
    assert_eq!(rig.proxy.calls().writes().len(), 0, "a plan must not write");
    let plan: secureml::plan::Plan = serde_json::from_slice(&planned.stdout)?;

    let mark = rig.proxy.mark();
    let applied = rig.secureml(&["apply", "-f", MINIMAL]).await?;
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let mut wanted: Vec<String> = plan
        .steps
        .into_values()
        .flat_map(|step| step.calls)
        .map(|call| call.call)
        .collect();
    let mut executed: Vec<String> = rig
        .proxy
        .calls_since(mark)
        .writes()
        .into_iter()
        .map(|call| call.name)
        .collect();
    wanted.sort_unstable();
    executed.sort_unstable();
    assert_eq!(executed, wanted, "the calls executed are those that the plan printed");

    let mark = rig.proxy.mark();
    let settled = rig.secureml(&["plan", "-f", MINIMAL]).await?;
    assert_eq!(
        settled.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&settled.stdout)
    );
    let again = rig.secureml(&["apply", "-f", MINIMAL]).await?;
    assert!(again.status.success());
    assert_eq!(
        rig.proxy.calls_since(mark).writes().len(),
        0,
        "nothing to do is nothing written"
    );

    audited(&rig).await?;

    let destroyed = rig.secureml(&["destroy", "-f", MINIMAL]).await?;
    assert!(
        destroyed.status.success(),
        "{}",
        String::from_utf8_lossy(&destroyed.stderr)
    );
    let vpcs = crate::world::ec2(&rig).describe_vpcs().send().await?;
    assert!(
        vpcs.vpcs().iter().all(|vpc| vpc.is_default() == Some(true)),
        "{:?}",
        vpcs.vpcs()
    );
    Ok(())
}

#[tokio::test]
async fn a_plan_without_access_to_aws() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let planned = rig.secureml(&["plan", "--offline", "-f", MINIMAL]).await?;
    assert_eq!(planned.status.code(), Some(2));
    assert!(String::from_utf8(planned.stdout)?.contains("+ Vpc/main: does not exist"));
    assert_eq!(rig.proxy.calls().len(), 0);
    Ok(())
}

#[tokio::test]
async fn what_the_api_server_refuses_is_refused_without_one() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let manifest =
        std::fs::read_to_string(MINIMAL)? + "  network: {vpcCidr: 8.8.0.0/16}\n  drift: {intervalSeconds: 1}\n";
    let refused = rig
        .secureml(&["plan", "--offline", "-f", &crate::world::file(&rig, &manifest)?])
        .await?;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr)?;
    assert!(
        said.contains("spec.drift.intervalSeconds: must be at least 10"),
        "{said}"
    );
    let manifest = manifest.replace("intervalSeconds: 1}", "intervalSeconds: 10}");
    let refused = rig
        .secureml(&["plan", "--offline", "-f", &crate::world::file(&rig, &manifest)?])
        .await?;
    let said = String::from_utf8(refused.stderr)?;
    assert!(
        said.contains("spec.network.vpcCidr: must be private: part of 10.0.0.0/8"),
        "{said}"
    );
    Ok(())
}

/// The audit finds what stands in order, and names what somebody opens, in every form.
async fn audited(rig: &Rig) -> Result<()> {
    let audit = async |format: &'static str, code: i32| {
        let audited = rig.secureml(&["audit", "-f", MINIMAL, "--output", format]).await?;
        let errors = String::from_utf8_lossy(&audited.stderr);
        ensure!(
            audited.status.code() == Some(code),
            "{format}: {:?}: {errors}",
            audited.status
        );
        Ok(String::from_utf8(audited.stdout)?)
    };
    let mark = rig.proxy.mark();
    let report: Value = serde_json::from_str(&audit("json", 0).await?)?;
    assert_eq!(report["holds"], true);
    assert_eq!(rig.proxy.calls_since(mark).writes().len(), 0, "an audit must not write");

    let aws = clients(rig.emulator.url()).await;
    let buckets = aws.s3.list_buckets().send().await?;
    let data = buckets.buckets().iter().find_map(|bucket| bucket.name());
    let data = data.context("a bucket")?;
    aws.s3.delete_bucket_policy().bucket(data).send().await?;

    let text = audit("text", 2).await?;
    let failed = |line: &str| line.starts_with("fail") && line.contains(" S2 ");
    ensure!(text.lines().any(failed), "{text}");
    ensure!(
        audit("html", 2).await?.contains("Not all guardrails are enforced"),
        "the page says so"
    );
    let findings: Value = serde_json::from_str(&audit("asff", 2).await?)?;
    let about =
        |finding: &&Value| finding["Compliance"]["Status"] == "FAILED" && finding["GeneratorId"] == "secureml/S2";
    let finding = findings.as_array().and_then(|findings| findings.iter().find(about));
    let finding = finding.context("a finding for Security Hub")?;
    assert_eq!(finding["Resources"][0]["Id"], format!("arn:aws:s3:::{data}"));
    assert_eq!(finding["Severity"]["Label"], "CRITICAL");

    let mended = rig.secureml(&["apply", "-f", MINIMAL]).await?;
    assert!(mended.status.success());
    audit("text", 0).await?;
    Ok(())
}

/// What `secureml` says, in one sentence, with other `variables` and without those that are `removed`.
async fn says(rig: &Rig, args: &[&str], variables: &[(&str, &str)], removed: &[&str]) -> Result<String> {
    let mut command = rig.command(env!("CARGO_BIN_EXE_secureml"));
    command
        .args(args)
        .env("HOME", rig.directory())
        .envs(variables.iter().copied());
    for variable in removed {
        command.env_remove(variable);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.code() == Some(1), "{args:?}: {:?}", output.status);
    let said = String::from_utf8(output.stderr)?;
    ensure!(said.trim_end().lines().count() == 1, "more than a sentence: {said}");
    ensure!(output.stdout.is_empty());
    Ok(said)
}

#[tokio::test]
async fn what_is_missing_of_aws_is_said_in_a_sentence() -> Result<()> {
    let rig = Rig::builder().binary(env!("CARGO_BIN_EXE_secureml")).start().await?;
    let plan = ["plan", "-f", MINIMAL];
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let said = says(&rig, &plan, &[], &keys).await?;
    ensure!(
        said.starts_with(
            "error: cannot look at the account: sts:GetCallerIdentity: no AWS credentials were found; set AWS_PROFILE"
        ),
        "{said}"
    );
    let said = says(&rig, &plan, &[], &["AWS_REGION", "AWS_DEFAULT_REGION"]).await?;
    ensure!(
        said == "error: no AWS region is configured: set AWS_REGION, or the region of the profile that AWS_PROFILE names\n",
        "{said}"
    );
    let said = says(&rig, &plan, &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")], &[]).await?;
    ensure!(
        said.contains("no answer from AWS: ") && said.contains("refused"),
        "{said}"
    );
    let said = says(&rig, &["plan", "-f", "nowhere.yaml"], &[], &[]).await?;
    ensure!(
        said.starts_with("error: cannot read nowhere.yaml: No such file"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_missing_of_the_cluster_is_said_in_a_sentence() -> Result<()> {
    let rig = Rig::builder()
        .control_plane(true)
        .binary(env!("CARGO_BIN_EXE_secureml"))
        .start()
        .await?;
    // The cluster knows nothing of us yet.
    let said = says(&rig, &["plan", "churn"], &[], &[]).await?;
    ensure!(
        said.contains("the cluster does not know SecureMLProjects; define them: secureml crds | kubectl apply"),
        "{said}"
    );
    let cluster = crate::world::kubectl(&rig)?;
    crate::world::define(cluster).await?;
    let said = says(&rig, &["plan", "churn"], &[], &[]).await?;
    ensure!(
        said.starts_with("error: the namespace default has no SecureMLProject churn: kubectl get smlp"),
        "{said}"
    );
    let said = says(&rig, &["plan", "churn"], &[], &["KUBECONFIG"]).await?;
    ensure!(
        said.contains("no Kubernetes cluster to talk to: ") && said.contains("set KUBECONFIG"),
        "{said}"
    );
    let said = says(&rig, &["plan", "churn"], &[("KUBECONFIG", "/nowhere")], &[]).await?;
    ensure!(said.contains("/nowhere cannot be read"), "{said}");
    let copy = rig.directory().join("kubeconfig");
    let copy_path = copy.display().to_string();
    std::fs::copy(cluster.kubeconfig(), &copy)?;
    cluster.kubectl_text(&["create", "serviceaccount", "nobody"]).await?;
    let token = cluster.kubectl_text(&["create", "token", "nobody"]).await?;
    let config = async |args: &[&str]| {
        cluster
            .kubectl_text(&[&["--kubeconfig", &copy_path, "config"], args].concat())
            .await
    };
    config(&["set-credentials", "nobody", "--token", token.trim()]).await?;
    config(&["set-context", "--current", "--user", "nobody"]).await?;
    let said = says(&rig, &["plan", "churn"], &[("KUBECONFIG", &copy_path)], &[]).await?;
    ensure!(
        said.contains("system:serviceaccount:default:nobody") && said.contains("ask for a role that allows it"),
        "{said}"
    );
    ensure!(said.contains("securemlprojects"), "{said}");
    config(&["set-credentials", "nobody", "--token", "nonsense"]).await?;
    let said = says(&rig, &["plan", "churn"], &[("KUBECONFIG", &copy_path)], &[]).await?;
    ensure!(
        said.contains("does not accept the credentials of the kubeconfig; log in"),
        "{said}"
    );
    let unreachable = std::fs::read_to_string(&copy)?;
    let server = unreachable
        .lines()
        .find(|line| line.contains("server:"))
        .context("a server")?
        .to_owned();
    std::fs::write(&copy, unreachable.replace(&server, "    server: https://127.0.0.1:9"))?;
    let said = says(&rig, &["plan", "churn"], &[("KUBECONFIG", &copy_path)], &[]).await?;
    ensure!(
        said.contains("the Kubernetes API server cannot be reached: ") && said.contains("check KUBECONFIG"),
        "{said}"
    );
    let said = says(
        &rig,
        &["controller", "--installation", "test"],
        &[("KUBECONFIG", "/nowhere")],
        &[],
    )
    .await?;
    ensure!(said.contains("/nowhere cannot be read"), "{said}");
    Ok(())
}
