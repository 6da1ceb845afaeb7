"""Writes captured.jsonl: requests as botocore makes them, each with the operation it is.

    python capture.py > captured.jsonl        (any Python that has boto3)

Nothing is sent. Every operation of the REST services is made, with made-up values for
what it requires, and of the others those that a test of recognition needs.
"""

import json
import re
import sys

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

ALL = ["s3", "resource-groups", "codeartifact"]
SOME = {
    "ec2": ["CreateVpc", "DescribeVpcs", "CreateVpcEndpoint", "DeleteVpcEndpoints", "AuthorizeSecurityGroupIngress"],
    "iam": ["CreateRole", "GetAccountAuthorizationDetails", "PutRolePolicy"],
    "sts": ["GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"],
    "kms": ["CreateKey", "DescribeKey", "PutKeyPolicy", "Decrypt"],
    "ssm": ["PutParameter", "GetParameters", "DescribeParameters"],
    "sagemaker": ["CreateNotebookInstance", "ListNotebookInstances", "StopNotebookInstance"],
    "logs": ["CreateLogGroup", "DescribeLogGroups", "TagResource"],
    "resourcegroupstaggingapi": ["GetResources", "TagResources"],
    "codecommit": ["CreateRepository", "BatchGetRepositories"],
    "ecr": ["CreateRepository", "DescribeRepositories"],
    "sqs": ["ReceiveMessage", "DeleteMessage"],
    "events": ["PutRule"],
    "cloudtrail": ["LookupEvents"],
    "budgets": ["DescribeBudgets"],
    "service-quotas": ["ListServiceQuotas"],
}
SERVICE = {"resourcegroupstaggingapi": "tagging", "service-quotas": "servicequotas"}
KEPT = ["authorization", "content-type", "x-amz-target", "x-amz-copy-source"]


def value(shape, depth=0):
    """A made-up value with all that the shape requires."""
    kind = shape.type_name
    if kind == "structure":
        return {name: value(shape.members[name], depth + 1) for name in shape.required_members}
    if kind == "list":
        return [value(shape.member, depth + 1)]
    if kind == "map":
        return {"key": value(shape.value, depth + 1)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "x" * max(3, shape.metadata.get("min", 3))
    return {"boolean": True, "timestamp": 0, "blob": b"x", "double": 1.0, "float": 1.0}.get(kind, 1)


def capture(name, config=None, only=None):
    client = boto3.client(
        name,
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:5000" if config is None else None,
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=config,
    )

    def answer(request, **_):
        headers = {key.lower(): text_of(item) for key, item in request.headers.items()}
        kept = {key: headers[key] for key in KEPT if key in headers}
        if "authorization" in kept:
            credential = kept["authorization"].split(", SignedHeaders")[0]
            kept["authorization"] = re.sub(r"/\d{8}/", "/20260101/", credential)
        url = request.url.split("//")[1]
        host, _, path = url.partition("/")
        kept["host"] = host
        body = request.body if isinstance(request.body, (bytes, str)) else b""
        line = {
            "is": f"{SERVICE.get(name, name)}:{operation}",
            "method": request.method,
            "uri": f"/{path}",
            "headers": kept,
            "body": text_of(body or b"")[:160],
        }
        print(json.dumps(line, ensure_ascii=True))
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", answer)
    for operation in only or client.meta.service_model.operation_names:
        model = client.meta.service_model.operation_model(operation)
        if model.deprecated:
            continue
        params = value(model.input_shape) if model.input_shape else {}
        try:
            client._make_api_call(operation, params)
        except Exception as error:  # every call ends in the made-up 500, most with no body to parse
            if "AttributeError" not in repr(error) and "ClientError" not in type(error).__name__:
                print(name, operation, repr(error)[:200], file=sys.stderr)


def text_of(item):
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


for service in ALL:
    capture(service)
for service, names in SOME.items():
    capture(service, only=names)
virtual = Config(s3={"addressing_style": "virtual"})
capture("s3", config=virtual, only=["CreateBucket", "PutBucketPolicy", "GetObject", "ListObjectsV2"])
