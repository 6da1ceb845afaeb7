//! The rig's parts together: a real AWS SDK, through the proxy, against the real emulator.

use std::time::Duration;

use crate::proxy::{Calls, Staleness};
use crate::{Fault, Rig, Rule, emulator};

/// Runs a piece of Python with boto3 at hand and `client(service)` to make clients; returns what it printed.
async fn python(rig: &Rig, script: &str) -> String {
    let interpreter = emulator::install().expect("the emulator's Python");
    let mut command = rig.command(interpreter);
    command.arg("-c").arg(format!("{PRELUDE}\n{script}"));
    let output = tokio::task::spawn_blocking(move || command.output().expect("Python"))
        .await
        .expect("the thread");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const PRELUDE: &str = r#"
import boto3, botocore
from botocore.config import Config
from botocore.exceptions import ClientError
def client(service, attempts=1):
    return boto3.client(service, config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}))
def code(call):
    try:
        call()
        return "none"
    except ClientError as error:
        return error.response["Error"]["Code"]
    except botocore.exceptions.HTTPClientError as error:
        return type(error).__name__
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_control_plane_answers_kubectl() {
    let rig = Rig::builder()
        .control_plane(true)
        .binary("sh")
        .start()
        .await
        .expect("a rig");
    let control_plane = rig.control_plane.as_ref().expect("a control plane");
    control_plane
        .kubectl_text(&["create", "namespace", "team"])
        .await
        .expect("a namespace");
    let name = ["get", "namespace", "team", "-o", "jsonpath={.metadata.name}"];
    assert_eq!(control_plane.kubectl_text(&name).await.expect("the namespace"), "team");
    let error = control_plane
        .kubectl_text(&["get", "nonsense"])
        .await
        .expect_err("no such kind");
    assert!(error.to_string().contains("nonsense"), "{error}");
    let kubeconfig = rig.secureml(&["-c", "echo $KUBECONFIG"]).await.expect("output");
    let kubeconfig = String::from_utf8_lossy(&kubeconfig.stdout).trim().to_owned();
    assert_eq!(kubeconfig, control_plane.kubeconfig().to_string_lossy());
}

fn names(calls: &Calls) -> Vec<String> {
    calls.iter().map(|call| call.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_sdk_is_counted_and_faulted() {
    let rig = Rig::builder().binary("sh").start().await.expect("a rig");
    every_protocol_is_recognised(&rig).await;
    errors_are_understood_by_the_sdk(&rig).await;
    a_lost_reply_is_retried_and_both_calls_are_seen(&rig).await;
    fresh_objects_are_seen_late(&rig).await;
    a_controller_gets_the_rigs_aws_and_ends_with_it(rig).await;
}

async fn every_protocol_is_recognised(rig: &Rig) {
    let mark = rig.proxy.mark();
    python(
        rig,
        r#"
client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
client("iam").list_roles()
client("sts").get_caller_identity()
client("kms").create_key()
s3 = client("s3")
s3.create_bucket(Bucket="data")
s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
s3.put_object(Bucket="data", Key="a/b", Body=b"x" * 100_000)
s3.head_bucket(Bucket="data")
s3.list_buckets()
client("ssm").put_parameter(Name="/a", Value="b", Type="String")
client("sagemaker").list_notebook_instances()
client("logs").create_log_group(logGroupName="a")
client("resourcegroupstaggingapi").get_resources()
client("resource-groups").list_groups()
"#,
    )
    .await;
    let calls = rig.proxy.calls_since(mark);
    let expected = [
        "ec2:CreateVpc",
        "iam:ListRoles",
        "sts:GetCallerIdentity",
        "kms:CreateKey",
        "s3:CreateBucket",
        "s3:PutBucketVersioning",
        "s3:PutObject",
        "s3:HeadBucket",
        "s3:ListBuckets",
        "ssm:PutParameter",
        "sagemaker:ListNotebookInstances",
        "logs:CreateLogGroup",
        "tagging:GetResources",
        "resource-groups:ListGroups",
    ];
    assert_eq!(names(&calls), expected);
    assert!(calls.errors().is_empty(), "{}", calls.table());
}

async fn errors_are_understood_by_the_sdk(rig: &Rig) {
    rig.proxy.add(Rule::on("*", Fault::Throttle).range(1..=5));
    rig.proxy.add(Rule::on("*", Fault::AccessDenied).range(6..=10));
    rig.proxy.add(Rule::on("*", Fault::ExpiredToken).range(11..=15));
    let script = r#"
for _ in range(3):
    print(code(client("ec2").describe_vpcs), code(client("iam").list_roles), code(client("s3").list_buckets),
          code(client("kms").list_keys), code(client("resource-groups").list_groups))
"#;
    let expected = "\
RequestLimitExceeded Throttling SlowDown ThrottlingException TooManyRequestsException
UnauthorizedOperation AccessDenied AccessDenied AccessDeniedException AccessDeniedException
RequestExpired ExpiredToken ExpiredToken ExpiredTokenException ExpiredTokenException";
    assert_eq!(python(rig, script).await, expected);
    rig.proxy.clear_rules();
}

async fn a_lost_reply_is_retried_and_both_calls_are_seen(rig: &Rig) {
    rig.reset().await.expect("a reset");
    let rule = rig.proxy.add(Rule::on("ec2:CreateVpc", Fault::ResetAfter).nth(1));
    let script = r#"
ec2 = client("ec2", attempts=2)
ec2.create_vpc(CidrBlock="10.0.0.0/16")
print(len(ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"]))
"#;
    assert_eq!(
        python(rig, script).await,
        "2",
        "EC2 has no token for a VPC, so the retry makes a second one"
    );
    assert_eq!(rule.hits(), 1);
    let made = rig.proxy.calls().named("ec2:CreateVpc");
    assert_eq!(
        made.iter().map(|call| call.status).collect::<Vec<_>>(),
        [None, Some(200)]
    );
    assert!(made.iter().all(|call| call.was_done()));
    rig.proxy
        .quiet(Duration::from_millis(10), Duration::from_secs(5))
        .await
        .expect("quiet");
}

async fn fresh_objects_are_seen_late(rig: &Rig) {
    rig.reset().await.expect("a reset");
    rig.proxy
        .set_staleness(Staleness::of_reads(Duration::from_secs(2)).and_writes());
    let script = r#"
import time
trust = """{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"""
ec2, iam, s3, kms = client("ec2"), client("iam"), client("s3"), client("kms")
def seen():
    vpcs = [v for v in ec2.describe_vpcs()["Vpcs"] if v["VpcId"] == vpc]
    roles = iam.list_roles()["Roles"]
    return len(vpcs), len(roles), len(s3.list_buckets()["Buckets"]), len(kms.list_keys()["Keys"])
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
iam.create_role(RoleName="work", AssumeRolePolicyDocument=trust)
s3.create_bucket(Bucket="fresh")
key = kms.create_key()["KeyMetadata"]["Arn"]
print(*seen())
print(code(lambda: ec2.describe_vpcs(VpcIds=[vpc])), code(lambda: ec2.create_tags(Resources=[vpc], Tags=[])),
      code(lambda: iam.get_role(RoleName="work")), code(lambda: s3.get_bucket_policy(Bucket="fresh")),
      code(lambda: s3.head_bucket(Bucket="fresh")), code(lambda: kms.describe_key(KeyId=key)))
time.sleep(2)
print(*seen())
"#;
    let expected = "\
0 0 0 0
InvalidVpcID.NotFound InvalidVpcID.NotFound NoSuchEntity NoSuchBucket 404 NotFoundException
1 1 1 1";
    assert_eq!(python(rig, script).await, expected);
}

async fn a_controller_gets_the_rigs_aws_and_ends_with_it(rig: Rig) {
    let script = "echo endpoint $AWS_ENDPOINT_URL; exec sleep 60";
    let mut controller = rig.start_controller(&["-c", script]).expect("a controller");
    let endpoint = format!("endpoint {}\n", rig.proxy.url());
    controller
        .ready(Duration::from_secs(5), |process| {
            (process.log() == endpoint).then_some(())
        })
        .await
        .expect("the endpoint in the log");
    controller.stop().expect("its end");
    let output = rig.secureml(&["-c", "echo $AWS_REGION"]).await.expect("output");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "us-east-1\n");
}
