"""CloudTrail: what was called, by whom, with which parameters and outcome.

LookupEvents answers the management calls the emulator has carried out, some
time after them. Where a trail is logging, the calls that change something are
also sent to EventBridge as "AWS API Call via CloudTrail".
"""

import json
import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain

import xmltodict
from moto.cloudtrail.models import cloudtrail_backends
from moto.cloudtrail.responses import CloudTrailResponse
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model
from moto.events.models import events_backends
from moto.moto_api._internal import mock_random as random
from moto.s3.responses import S3Response
from moto.sts.models import sts_backends

from .later import after
from .paging import page
from .patching import AwsError, adds, put_around, settings

#: How many calls are remembered per account and region; reads do not push out writes.
KEPT = {True: 1000, False: 10000}

READS = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Batch", "Test", "Simulate", "View")
GLOBAL = ("iam", "budgets", "organizations", "route53", "cloudfront")

#: The parameters that name a resource, with its type.
RESOURCES = {
    "bucketName": "AWS::S3::Bucket",
    "domainId": "AWS::SageMaker::Domain",
    "groupId": "AWS::EC2::SecurityGroup",
    "instanceProfileName": "AWS::IAM::InstanceProfile",
    "internetGatewayId": "AWS::EC2::InternetGateway",
    "keyId": "AWS::KMS::Key",
    "logGroupName": "AWS::Logs::LogGroup",
    "networkInterfaceId": "AWS::EC2::NetworkInterface",
    "notebookInstanceLifecycleConfigName": "AWS::SageMaker::NotebookInstanceLifecycleConfig",
    "notebookInstanceName": "AWS::SageMaker::NotebookInstance",
    "policyArn": "AWS::IAM::Policy",
    "repositoryName": "AWS::CodeCommit::Repository",
    "roleName": "AWS::IAM::Role",
    "routeTableId": "AWS::EC2::RouteTable",
    "subnetId": "AWS::EC2::Subnet",
    "trainingJobName": "AWS::SageMaker::TrainingJob",
    "vpcEndpointId": "AWS::EC2::VPCEndpoint",
    "vpcId": "AWS::EC2::VPC",
}

ERROR = re.compile(r'<Code>([^<]+)</Code>|"__type": ?"(?:[^"#]*#)?([^"]+)"')


def lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def parameters(value: object, shape: object, service: str) -> object:
    """A request as CloudTrail writes it: names begin small, and EC2's lists are "items"."""
    kind = getattr(shape, "type_name", "")
    if kind == "structure" and isinstance(value, dict):
        names = {name: lowered(member.serialization.get("name", name)) for name, member in shape.members.items()}
        return {
            names.get(name, lowered(name)): parameters(item, shape.members.get(name), service)
            for name, item in value.items()
            if item is not None
        }
    if kind == "list" and isinstance(value, list):
        items = [parameters(item, shape.member, service) for item in value]
        return {"items": items} if service == "ec2" else items
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, dict, list)) else str(value)


def elements(value: object) -> object:
    """An answer as CloudTrail writes it."""
    if isinstance(value, list):
        return [elements(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"item"}:
        items = value["item"] if isinstance(value["item"], list) else [value["item"]]
        return {"items": [elements(item) for item in items]}
    if set(value) == {"member"}:
        return [elements(item) for item in (value["member"] if isinstance(value["member"], list) else [value["member"]])]
    return {lowered(name): elements(item) for name, item in value.items() if not name.startswith("@")}


def answer_of(body: str) -> object:
    """The content of an answer, without its wrapping."""
    try:
        if body.startswith("{"):
            return elements(json.loads(body)) or None
        content = next(iter(xmltodict.parse(body).values())) or {}
        result = next((value for name, value in content.items() if name.endswith("Result")), None)
        content = result or {n: v for n, v in content.items() if n.lower() not in ("requestid", "responsemetadata", "return")}
        return elements(content) or None
    except Exception:
        return None


@dataclass
class Call:
    """One call, as far as it had to be looked at when it was made."""

    id: str
    time: datetime
    account: str
    region: str
    service: str
    name: str
    access_key: str
    agent: str
    asked: object
    status: int
    body: str
    read_only: bool

    @property
    def source(self) -> str:
        return f"{get_service_model(self.service).signing_name}.amazonaws.com"

    @cached_property
    def identity(self) -> dict:
        """Who called: a role's session where the key is one's, else the account."""
        for backend in sts_backends[self.account].values():
            role = backend.get_assumed_role_from_access_key(self.access_key)
            if role is not None:
                name = role.role_arn.rpartition("/")[2]
                return {
                    "type": "AssumedRole",
                    "principalId": f"{role.user_id}",
                    "arn": f"arn:{backend.partition}:sts::{self.account}:assumed-role/{name}/{role.session_name}",
                    "accountId": self.account,
                    "accessKeyId": self.access_key,
                    "sessionContext": {
                        "sessionIssuer": {
                            "type": "Role",
                            "arn": role.role_arn,
                            "accountId": self.account,
                            "userName": name,
                        }
                    },
                }
        return {
            "type": "Root",
            "principalId": self.account,
            "arn": f"arn:aws:iam::{self.account}:root",
            "accountId": self.account,
            "accessKeyId": self.access_key,
        }

    @cached_property
    def user(self) -> str:
        return self.identity["arn"].rpartition("/")[2] if self.identity["type"] == "AssumedRole" else "root"

    @cached_property
    def request(self) -> object:
        model = get_service_model(self.service)
        shape = model.operation_model(self.name).input_shape if self.name in model.operation_names else None
        asked = self.asked
        if isinstance(asked, (str, bytes)):
            try:
                asked = json.loads(asked or "{}")
            except ValueError:
                asked = {}
        return parameters(asked, shape, self.service) if shape else asked

    @cached_property
    def event(self) -> dict:
        """The record, as CloudTrail delivers it."""
        failed = self.status >= 400
        error = ERROR.search(self.body) if failed else None
        code = (error.group(1) or error.group(2)) if error else "InternalFailure"
        return {
            "eventVersion": "1.11",
            "userIdentity": self.identity,
            "eventTime": self.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": "127.0.0.1",
            "userAgent": self.agent,
            **({"errorCode": code} if failed else {}),
            "requestParameters": self.request or None,
            "responseElements": None if failed or self.read_only else answer_of(self.body),
            "requestID": self.id,
            "eventID": self.id,
            "readOnly": self.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        }

    @cached_property
    def resources(self) -> list[dict[str, str]]:
        """The resources that request and answer name."""
        found = {}

        def look(value: object) -> None:
            if isinstance(value, dict):
                for name, item in value.items():
                    if name in RESOURCES and isinstance(item, str):
                        found[item] = RESOURCES[name]
                    look(item)
            elif isinstance(value, list):
                for item in value:
                    look(item)

        look(self.event["requestParameters"])
        look(self.event["responseElements"])
        return [{"ResourceType": kind, "ResourceName": name} for name, kind in found.items()]

    def shown(self) -> dict:
        """The record as LookupEvents answers it."""
        return {
            "EventId": self.id,
            "EventName": self.name,
            "ReadOnly": str(self.read_only).lower(),
            "AccessKeyId": self.access_key,
            "EventTime": self.time,
            "EventSource": self.source,
            "Username": self.user,
            "Resources": self.resources,
            "CloudTrailEvent": json.dumps(self.event),
        }


def history(account: str, region: str) -> dict[bool, deque]:
    """The calls of an account in a region: reads and writes apart."""
    backend = cloudtrail_backends[account][region]
    return backend.__dict__.setdefault("history", {kind: deque(maxlen=size) for kind, size in KEPT.items()})


def has_trail(account: str, region: str) -> bool:
    for backend in cloudtrail_backends[account].values():
        for trail in backend.trails.values():
            if trail.status.is_logging and (trail.is_multi_region or backend.region_name == region):
                return True
    return False


def deliver(call: Call) -> None:
    """Send the call to the default bus, if anything listens there."""
    events = events_backends[call.account][call.region]
    if not has_trail(call.account, call.region) or not any(bus.rules for bus in events.event_buses.values()):
        return
    source = f"aws.{call.source.partition('.')[0]}"
    detail = {"Source": source, "DetailType": "AWS API Call via CloudTrail", "Detail": json.dumps(call.event)}
    events.put_events([detail])


def record(response: BaseResponse, name: str | None, asked: object, status: int, body: object) -> None:
    """Remember a call that has been answered."""
    if not name or response.service_name is None:
        return
    account, service = response.current_account, response.boto3_service_name
    region = "us-east-1" if service in GLOBAL else response.region
    if region not in cloudtrail_backends[account]:
        return
    call = Call(
        id=str(random.uuid4()),
        time=datetime.now(UTC),
        account=account,
        region=region,
        service=service,
        name=name,
        access_key=response.access_key,
        agent=response.headers.get("User-Agent", ""),
        asked=asked,
        status=int(status),
        body=(body.decode(errors="replace") if isinstance(body, bytes) else str(body or ""))[:65536],
        read_only=name.startswith(READS),
    )
    if call.read_only and call.status < 400:
        call.body = ""
    history(account, region)[call.read_only].append(call)
    if not call.read_only:
        after(settings.trail_delay, lambda: deliver(call))


def dispatched(original, self, *args):
    status, headers, body = original(self, *args)
    asked = self.params if self.automated_parameter_parsing and hasattr(self, "params") else self.body
    if not self.automated_parameter_parsing and not str(asked).startswith("{"):
        asked = {name: values[0] for name, values in self.querystring.items() if isinstance(values, list) and values}
    record(self, self._get_action(), asked, status, body)
    return status, headers, body


def bucket_response(original, self, request, full_url, headers):
    """S3 does not pass where the other services do; calls on buckets are management calls, those on objects are not."""
    status, answered, body = original(self, request, full_url, headers)
    name = self._get_action_from_method_and_request_uri(request)
    if name and not name.startswith(("ListObject", "DeleteObjects", "PostObject")):
        record(self, name, {"bucketName": self.bucket_name, **{key: "" for key in request.args}}, status, body)
    return status, answered, body


put_around(BaseResponse, "_dispatch", dispatched)
put_around(S3Response, "bucket_response", bucket_response)


@adds(CloudTrailResponse)
def lookup_events(self):
    """Newest first, 50 a page; one attribute, and a span of time."""
    asked = json.loads(self.body or "{}")
    attributes = asked.get("LookupAttributes") or []
    if len(attributes) > 1:
        raise AwsError("InvalidLookupAttributesException", "You can supply only one lookup attribute.")
    size = int(asked.get("MaxResults") or 50)
    if not 1 <= size <= 50:
        raise AwsError("InvalidMaxResultsException", "A page has between 1 and 50 events.")
    known = datetime.now(UTC) - timedelta(seconds=settings.trail_delay)
    start, end = (
        datetime.fromtimestamp(float(asked[name]), UTC) if name in asked else None for name in ("StartTime", "EndTime")
    )
    getters = {
        "EventId": lambda call: [call.id],
        "EventName": lambda call: [call.name],
        "ReadOnly": lambda call: [str(call.read_only).lower()],
        "Username": lambda call: [call.user],
        "EventSource": lambda call: [call.source],
        "AccessKeyId": lambda call: [call.access_key],
        "ResourceName": lambda call: [resource["ResourceName"] for resource in call.resources],
        "ResourceType": lambda call: [resource["ResourceType"] for resource in call.resources],
    }
    calls = chain.from_iterable(history(self.current_account, self.region).values())
    found = [
        call
        for call in calls
        if call.time <= known
        and (start is None or call.time >= start)
        and (end is None or call.time <= end)
        and all(a["AttributeValue"] in getters[a["AttributeKey"]](call) for a in attributes)
    ]
    found.sort(key=lambda call: call.time, reverse=True)
    shown, token = page(found, size, asked.get("NextToken"), "InvalidNextTokenException")
    return ActionResult({"Events": [call.shown() for call in shown], "NextToken": token})
