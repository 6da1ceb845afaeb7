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
    stale.pass(request, ACCOUNT, [now, now], &mut response);
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

/// What is answered from before a write, if anything.
fn recalled(stale: &Staleness, request: &Request, now: Duration) -> Option<String> {
    let response = stale.recall(request, ACCOUNT, now)?;
    Some(String::from_utf8_lossy(response.body()).into_owned())
}

fn with_old_versions() -> Staleness {
    Staleness::of_reads(WINDOW).and_old_versions()
}

#[test]
fn parameters_groups_and_configurations_hide_too() {
    let put = |overwrite: bool| {
        let body = format!(r#"{{"Name":"ds-a","Value":"1","Overwrite":{overwrite}}}"#);
        made::json("ssm", "AmazonSSM.PutParameter", &body)
    };
    let read = made::json("ssm", "AmazonSSM.GetParameter", r#"{"Name":"ds-a"}"#);
    let mut stale = Staleness::of_reads(WINDOW);
    answered(&mut stale, &put(true), at(0), r#"{"Version":2,"Tier":"Standard"}"#);
    assert_eq!(code(&mut stale, &read, at(1)), None, "it was there before");
    answered(&mut stale, &put(false), at(0), r#"{"Version":1,"Tier":"Standard"}"#);
    assert_eq!(code(&mut stale, &read, at(1)).as_deref(), Some("ParameterNotFound"));
    let list = made::json("ssm", "AmazonSSM.DescribeParameters", "{}");
    assert_eq!(
        answered(
            &mut stale,
            &list,
            at(1),
            r#"{"Parameters":[{"Name":"ds-a"},{"Name":"ds-b"}]}"#
        ),
        r#"{"Parameters":[{"Name":"ds-b"}]}"#
    );

    let mut stale = Staleness::of_reads(WINDOW).and_writes();
    let configuration = r#"{"NotebookInstanceLifecycleConfigName":"start"}"#;
    let create = made::json(
        "sagemaker",
        "SageMaker.CreateNotebookInstanceLifecycleConfig",
        configuration,
    );
    answered(&mut stale, &create, at(0), "{}");
    let read = "SageMaker.DescribeNotebookInstanceLifecycleConfig";
    let read = made::json("sagemaker", read, configuration);
    assert_eq!(code(&mut stale, &read, at(1)).as_deref(), Some("ValidationException"));
    let uses = r#"{"NotebookInstanceName":"n","LifecycleConfigName":"start"}"#;
    let uses = made::json("sagemaker", "SageMaker.CreateNotebookInstance", uses);
    assert_eq!(code(&mut stale, &uses, at(1)).as_deref(), Some("ValidationException"));

    let create = made::request(
        "resource-groups",
        "application/json",
        None,
        "/groups",
        r#"{"Name":"all"}"#,
    );
    answered(&mut stale, &create, at(0), r#"{"Group":{"Name":"all"}}"#);
    let query = made::request(
        "resource-groups",
        "application/json",
        None,
        "/get-group-query",
        r#"{"Group":"all"}"#,
    );
    assert_eq!(code(&mut stale, &query, at(1)).as_deref(), Some("NotFoundException"));
}

#[test]
fn what_was_changed_is_read_as_before_until_the_window_ends() {
    let mut stale = with_old_versions();
    let list = made::query("ec2", "Action=DescribeVpcs&MaxResults=100");
    let before = "<vpcSet><item><vpcId>vpc-1</vpcId><tagSet/></item></vpcSet>";
    answered(&mut stale, &list, at(0), before);
    assert_eq!(recalled(&stale, &list, at(1)), None, "nothing was written");

    let elsewhere = made::query("ec2", "Action=CreateTags&ResourceId.1=vpc-10&Tag.1.Key=vpc-1");
    answered(&mut stale, &elsewhere, at(10), "<return>true</return>");
    assert_eq!(recalled(&stale, &list, at(11)), None, "something else was written");

    let write = made::query("ec2", "Action=CreateTags&ResourceId.1=vpc-1&Tag.1.Key=a");
    answered(&mut stale, &write, at(20), "<return>true</return>");
    assert_eq!(recalled(&stale, &list, at(24)).as_deref(), Some(before));
    assert_eq!(recalled(&stale, &list, at(25)), None);
    let unread = made::query("ec2", "Action=DescribeVpcs&VpcId.1=vpc-1");
    assert_eq!(recalled(&stale, &unread, at(21)), None, "nobody has read it so");
    assert!(stale.recall(&list, "111122223333", at(21)).is_none());
}

#[test]
fn nobody_reads_what_was_no_longer_true_a_window_ago() {
    let mut stale = with_old_versions();
    let list = made::query("iam", "Action=ListRoles");
    let write = made::query("iam", "Action=TagRole&RoleName=worker");
    let version = |number: u8| format!("<member><RoleName>worker</RoleName><v>{number}</v></member>");
    answered(&mut stale, &list, at(0), &version(1));
    answered(&mut stale, &write, at(10), "");
    answered(&mut stale, &write, at(13), "");
    assert_eq!(recalled(&stale, &list, at(14)), Some(version(1)));
    assert_eq!(
        recalled(&stale, &list, at(16)),
        None,
        "the second write keeps the first version no longer"
    );
    answered(&mut stale, &list, at(16), &version(3));
    answered(&mut stale, &write, at(17), "");
    assert_eq!(recalled(&stale, &list, at(18)), Some(version(3)));
}

#[test]
fn an_answer_that_was_under_way_during_a_write_is_of_before() {
    let mut stale = with_old_versions();
    let list = made::query("iam", "Action=ListRoles");
    let body = "<member><RoleName>worker</RoleName></member>";
    let write = made::query("iam", "Action=DeleteRole&RoleName=worker");
    answered(&mut stale, &write, at(12), "");
    let mut response = Response::new(Bytes::from(body));
    stale.pass(&list, ACCOUNT, [at(11), at(13)], &mut response);
    assert_eq!(recalled(&stale, &list, at(16)).as_deref(), Some(body));
    assert_eq!(recalled(&stale, &list, at(17)), None);
}

#[test]
fn a_failed_write_makes_nothing_old() {
    let mut stale = with_old_versions();
    let read = made::json("kms", "TrentService.GetKeyPolicy", r#"{"KeyId":"k-1-of-us"}"#);
    answered(&mut stale, &read, at(0), r#"{"Policy":"{}"}"#);
    let write = r#"{"KeyId":"arn:aws:kms:us-east-1:1:key/k-1-of-us","Policy":"{}"}"#;
    let write = made::json("kms", "TrentService.PutKeyPolicy", write);
    let mut refused = Response::new(Bytes::new());
    *refused.status_mut() = hyper::StatusCode::BAD_REQUEST;
    stale.pass(&write, ACCOUNT, [at(1), at(1)], &mut refused);
    assert_eq!(recalled(&stale, &read, at(2)), None);
    answered(&mut stale, &write, at(3), "{}");
    assert!(
        recalled(&stale, &read, at(4)).is_some(),
        "the question names it, though the answer does not"
    );
}

#[test]
fn an_old_version_hides_what_is_fresh_and_shows_it_when_it_is_not() {
    let mut stale = with_a_fresh_vpc(with_old_versions());
    let list = made::query("ec2", "Action=DescribeVpcs");
    let both = "<vpcSet><item><vpcId>vpc-1</vpcId></item><item><vpcId>vpc-2</vpcId></item></vpcSet>";
    let other = "<vpcSet><item><vpcId>vpc-2</vpcId></item></vpcSet>";
    assert_eq!(answered(&mut stale, &list, at(1), both), other);
    let write = made::query("ec2", "Action=DeleteVpc&VpcId=vpc-2");
    answered(&mut stale, &write, at(3), "");
    assert_eq!(recalled(&stale, &list, at(4)).as_deref(), Some(other));
    // Who asks lets go of what has become visible.
    code(&mut stale, &list, at(6));
    assert_eq!(recalled(&stale, &list, at(6)).as_deref(), Some(both));
}
