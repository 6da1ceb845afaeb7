"""The services that have VPC endpoints, by the names and types they have on AWS."""

import hashlib

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidServiceName
from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.vpcs import VPCs

from ..paging import page
from ..patching import AwsError, adds

#: Private DNS names of interface endpoints, relative to REGION, where AWS's differ from SERVICE.REGION.amazonaws.com.
PRIVATE_NAMES = {
    "aws.sagemaker.{region}.notebook": "*.notebook.{region}.sagemaker.aws",
    "aws.sagemaker.{region}.studio": "*.studio.{region}.sagemaker.aws",
    "com.amazonaws.{region}.codeartifact.api": "codeartifact.{region}.amazonaws.com",
    "com.amazonaws.{region}.codeartifact.repositories": "*.d.codeartifact.{region}.amazonaws.com",
    "com.amazonaws.{region}.ecr.api": "api.ecr.{region}.amazonaws.com",
    "com.amazonaws.{region}.ecr.dkr": "*.dkr.ecr.{region}.amazonaws.com",
    "com.amazonaws.{region}.s3": "*.s3.{region}.amazonaws.com",
    "com.amazonaws.{region}.sagemaker.api": "api.sagemaker.{region}.amazonaws.com",
    "com.amazonaws.{region}.sagemaker.metrics": "metrics.sagemaker.{region}.amazonaws.com",
    "com.amazonaws.{region}.sagemaker.featurestore-runtime": "featurestore-runtime.sagemaker.{region}.amazonaws.com",
    "com.amazonaws.{region}.sagemaker.runtime": "runtime.sagemaker.{region}.amazonaws.com",
}

#: Services with a gateway endpoint; S3 and DynamoDB have both types.
GATEWAYS = ("com.amazonaws.{region}.s3", "com.amazonaws.{region}.dynamodb")

#: Services that moto's list lacks; the others are taken from it.
NAMES = (
    *PRIVATE_NAMES,
    *GATEWAYS,
    *(
        f"com.amazonaws.{{region}}.{name}"
        for name in (
            "codecommit ec2 ec2messages events git-codecommit kms logs monitoring secretsmanager ssm ssmmessages sts"
        ).split()
    ),
)

_known: dict[tuple[str, str], list[dict]] = {}


def entry(name: str, kind: str, region: str, zones: list[str]) -> dict:
    """One service as DescribeVpcEndpointServices answers it."""
    short = name.partition(f".{region}.")[2]
    result = {
        "ServiceName": name,
        "ServiceId": f"vpce-svc-{hashlib.sha256(f'{name}/{kind}'.encode()).hexdigest()[:17]}",
        "ServiceType": [{"ServiceType": kind}],
        "ServiceRegion": region,
        "AvailabilityZones": zones,
        "Owner": "amazon",
        "BaseEndpointDnsNames": [f"{short}.{region}.{'vpce.' if kind == 'Interface' else ''}amazonaws.com"],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
    }
    if kind == "Interface":
        private = PRIVATE_NAMES.get(name.replace(f".{region}.", ".{region}."), f"{short}.{{region}}.amazonaws.com")
        result["PrivateDnsName"] = private.format(region=region)
        result["PrivateDnsNames"] = [{"PrivateDnsName": result["PrivateDnsName"]}]
        result["PrivateDnsNameVerificationState"] = "verified"
    return result


def services(backend) -> list[dict]:
    """All services of the backend's region, by name; a service of two types twice."""
    region = backend.region_name
    key = (backend.account_id, region)
    if key not in _known:
        zones = [zone.name for zone in backend.describe_availability_zones()]
        names = {name.format(region=region) for name in NAMES}
        names |= {service["ServiceName"] for service in VPCBackend._collect_default_endpoint_services(*key)}
        gateways = {name.format(region=region) for name in GATEWAYS}
        kinds = [("Gateway", name) for name in gateways] + [("Interface", name) for name in names]
        found = [entry(name, kind, region, zones) for kind, name in kinds]
        _known[key] = sorted(found, key=lambda service: (service["ServiceName"], service["ServiceId"]))
    return _known[key] + [configuration.to_dict() for configuration in backend.configurations.values()]


@adds(EC2Backend)
def endpoint_service(self, name, kind):
    """The service of that name and endpoint type; AWS refuses a type the service lacks."""
    found = [service for service in services(self) if service["ServiceName"] == name]
    if not found:
        raise InvalidServiceName(name)
    kinds = [each["ServiceType"] for service in found for each in service["ServiceType"]]
    if kind not in kinds:
        raise AwsError(
            "InvalidParameter",
            f"Endpoint type ({kind}) does not match available service types ([{', '.join(kinds)}]).",
        )
    return next(service for service in found if {"ServiceType": kind} in service["ServiceType"])


@adds(VPCs)
def describe_vpc_endpoint_services(self):
    """Services with the types, private names and zones AWS has, filtered and paged."""
    names = self._get_param("ServiceNames", [])
    found = services(self.ec2_backend)
    for name in names:
        if name not in {service["ServiceName"] for service in found}:
            raise InvalidServiceName(name)
    if names:
        found = [service for service in found if service["ServiceName"] in names]
    for name, values in self._filters_from_querystring().items():
        if name == "service-name":
            found = [service for service in found if service["ServiceName"] in values]
        elif name == "service-type":
            found = [service for service in found if service["ServiceType"][0]["ServiceType"] in values]
        elif name == "owner":
            found = [service for service in found if service["Owner"] in values]
        elif name.startswith("tag:"):
            found = [
                service
                for service in found
                if any(f"tag:{tag['Key']}" == name and tag["Value"] in values for tag in service["Tags"])
            ]
        elif name == "tag-key":
            found = [service for service in found if any(tag["Key"] in values for tag in service["Tags"])]
        else:
            raise AwsError("InvalidFilter", f"The filter '{name}' is invalid.")
    shown, token = page(
        found, self._get_int_param("MaxResults", 1000), self._get_param("NextToken"), "InvalidNextToken"
    )
    return ActionResult(
        {
            "ServiceNames": sorted({service["ServiceName"] for service in shown}),
            "ServiceDetails": shown,
            "NextToken": token,
        }
    )
