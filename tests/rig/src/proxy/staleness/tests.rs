use super::super::request::made;
use super::*;

const ACCOUNT: &str = "123456789012";
const WINDOW: Duration = Duration::from_secs(5);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Lets a request be answered with this body; returns what is left of it.
fn answered(stale: &mut Staleness, request: &Request, now: Duration, body: &str) -> String {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    stale.pass(request, ACCOUNT, now, &mut response);
    String::from_utf8_lossy(response.body()).into_owned()
}

fn code(stale: &mut Staleness, request: &Request, now: Duration) -> Option<String> {
    stale.refuse(request, ACCOUNT, now).map(|error| error.code)
}

fn with_a_fresh_vpc(mut stale: Staleness) -> Staleness {
    let create = made::query("ec2", "Action=CreateVpc");
    answered(
        &mut stale,
        &create,
        at(0),
        "<vpc><vpcId>vpc-1</vpcId><dhcpOptionsId>dopt-1</dhcpOptionsId></vpc>",
    );
    stale
}

#[test]
fn a_fresh_object_is_not_listed_until_the_window_ends() {
    let mut stale = with_a_fresh_vpc(Staleness::of_reads(WINDOW));
    let list = made::query("ec2", "Action=DescribeVpcs&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1");
    let both = "<vpcSet><item><vpcId>vpc-1</vpcId></item><item><vpcId>vpc-2</vpcId></item></vpcSet>";
    assert_eq!(code(&mut stale, &list, at(1)), None);
    assert_eq!(
        answered(&mut stale, &list, at(1), both),
        "<vpcSet><item><vpcId>vpc-2</vpcId></item></vpcSet>"
    );
    assert_eq!(code(&mut stale, &list, at(5)), None);
    assert_eq!(answered(&mut stale, &list, at(5), both), both);
}

#[test]
fn a_read_by_id_finds_nothing() {
    let mut stale = with_a_fresh_vpc(Staleness::of_reads(WINDOW));
    let by_id = made::query("ec2", "Action=DescribeVpcs&VpcId.1=vpc-1");
    assert_eq!(
        code(&mut stale, &by_id, at(1)).as_deref(),
        Some("InvalidVpcID.NotFound")
    );
    let other = made::query("ec2", "Action=DescribeVpcs&VpcId.1=vpc-10");
    assert_eq!(code(&mut stale, &other, at(1)), None);
    assert_eq!(code(&mut stale, &by_id, at(6)), None);
    assert!(stale.refuse(&by_id, "111122223333", at(1)).is_none());
}

#[test]
fn writes_see_it_unless_told_otherwise() {
    let tag = made::query("ec2", "Action=CreateTags&ResourceId.1=vpc-1");
    let subnet = made::query("ec2", "Action=CreateSubnet&VpcId=vpc-1");
    let mut stale = with_a_fresh_vpc(Staleness::of_reads(WINDOW));
    assert_eq!(code(&mut stale, &tag, at(1)), None);
    let mut stale = with_a_fresh_vpc(Staleness::of_reads(WINDOW).and_writes());
    assert_eq!(code(&mut stale, &tag, at(1)).as_deref(), Some("InvalidVpcID.NotFound"));
    assert_eq!(
        code(&mut stale, &subnet, at(1)).as_deref(),
        Some("InvalidVpcID.NotFound")
    );
}

#[test]
fn a_fresh_role_is_no_principal_yet() {
    let mut stale = Staleness::of_reads(WINDOW).and_writes();
    let create = made::query("iam", "Action=CreateRole&RoleName=work");
    answered(
        &mut stale,
        &create,
        at(0),
        "<Role><Path>/</Path><RoleName>work</RoleName></Role>",
    );
    let read = made::query("iam", "Action=GetRole&RoleName=work");
    assert_eq!(code(&mut stale, &read, at(1)).as_deref(), Some("NoSuchEntity"));
    assert_eq!(
        code(&mut stale, &create, at(1)),
        None,
        "the second create meets the first's role"
    );
    let policy = r#"{"KeyId":"k","Policy":"{\"AWS\":\"arn:aws:iam::123456789012:role/work\"}"}"#;
    let policy = made::json("kms", "TrentService.PutKeyPolicy", policy);
    assert_eq!(
        code(&mut stale, &policy, at(1)).as_deref(),
        Some("MalformedPolicyDocumentException")
    );
    let longer = made::json(
        "kms",
        "TrentService.PutKeyPolicy",
        r#"{"P":"arn:aws:iam::123456789012:role/worker"}"#,
    );
    assert_eq!(code(&mut stale, &longer, at(1)), None);
    let notebook = r#"{"NotebookInstanceName":"n","RoleArn":"arn:aws:iam::123456789012:role/work"}"#;
    let notebook = made::json("sagemaker", "SageMaker.CreateNotebookInstance", notebook);
    assert_eq!(
        code(&mut stale, &notebook, at(1)).as_deref(),
        Some("ValidationException")
    );
    assert_eq!(code(&mut stale, &notebook, at(6)), None);
}

#[test]
fn buckets_and_keys_hide_too() {
    let mut stale = Staleness::of_reads(WINDOW);
    answered(&mut stale, &made::s3("PUT", "/data"), at(0), "");
    assert_eq!(
        code(&mut stale, &made::s3("GET", "/data?policy"), at(1)).as_deref(),
        Some("NoSuchBucket")
    );
    let buckets = "<Buckets><Bucket><Name>data</Name></Bucket><Bucket><Name>old</Name></Bucket></Buckets>";
    assert_eq!(
        answered(&mut stale, &made::s3("GET", "/"), at(1), buckets),
        "<Buckets><Bucket><Name>old</Name></Bucket></Buckets>"
    );
    let create = made::json("kms", "TrentService.CreateKey", "{}");
    answered(
        &mut stale,
        &create,
        at(0),
        r#"{"KeyMetadata":{"Arn":"a:key/k-1","KeyId":"k-1"}}"#,
    );
    let read = made::json(
        "kms",
        "TrentService.DescribeKey",
        r#"{"KeyId":"arn:aws:kms:us-east-1:1:key/k-1"}"#,
    );
    assert_eq!(code(&mut stale, &read, at(1)).as_deref(), Some("NotFoundException"));
    let keys = made::json("kms", "TrentService.ListKeys", "{}");
    let listed = r#"{"Keys":[{"KeyId":"k-1"},{"KeyId":"k-2"}]}"#;
    assert_eq!(
        answered(&mut stale, &keys, at(1), listed),
        r#"{"Keys":[{"KeyId":"k-2"}]}"#
    );
}

#[test]
fn the_tagging_api_lags_as_well() {
    let mut stale = with_a_fresh_vpc(Staleness::of_reads(WINDOW));
    let get = made::json("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources", "{}");
    let listed = r#"{"ResourceTagMappingList":[{"ResourceARN":"arn:aws:ec2:us-east-1:1:vpc/vpc-1"}]}"#;
    assert_eq!(
        answered(&mut stale, &get, at(1), listed),
        r#"{"ResourceTagMappingList":[]}"#
    );
}
