"""VPC endpoints: their states, interfaces, routes, private names and refusals."""

import hashlib
import json

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidSecurityGroupNotFoundError, InvalidVpcEndPointIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import add_tag_specification, generate_route_id, generic_filter, random_vpc_ep_id

from .. import later
from ..patching import AwsError, adds, settings, wraps
from .interfaces import service_interface

#: The policy of an endpoint that was given none.
FULL_ACCESS = {
    "Gateway": {
        "Version": "2008-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    },
    "Interface": {"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]},
}

FILTERS = {
    "ip-address-type": "ip_address_type",
    "service-name": "service_name",
    "vpc-endpoint-id": "id",
    "vpc-endpoint-state": "state",
    "vpc-endpoint-type": "vpc_endpoint_type",
    "vpc-id": "vpc_id",
}


@adds(VPCEndPoint)
def get_filter_value(self, filter_name, method_name=None):
    if filter_name in FILTERS:
        return getattr(self, FILTERS[filter_name])
    if filter_name.startswith("tag"):
        return super(VPCEndPoint, self).get_filter_value(filter_name, "DescribeVpcEndpoints")
    raise AwsError("InvalidParameterValue", f"The filter '{filter_name}' is invalid.")


def policy(text: str | None, kind: str) -> str:
    """The policy as given, or the one that allows everything; refused unless it is a policy."""
    if not text:
        return json.dumps(FULL_ACCESS[kind])
    try:
        statements = json.loads(text)["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            if statement["Effect"] not in ("Allow", "Deny") or "Principal" not in statement:
                raise ValueError(statement)
    except (ValueError, KeyError, TypeError):
        raise AwsError("InvalidPolicyDocument", "Policy document is not a valid policy document.") from None
    return text


class Changes:
    """What an endpoint has, changed one resource at a time."""

    def __init__(self, backend, endpoint: VPCEndPoint) -> None:
        self.backend = backend
        self.endpoint = endpoint

    def add_subnets(self, subnet_ids: list[str]) -> None:
        """A network interface in each; a zone has one at most."""
        endpoint = self.endpoint
        zones = {self.backend.get_subnet(subnet_id).availability_zone for subnet_id in endpoint.subnet_ids}
        for subnet_id in subnet_ids:
            if subnet_id in endpoint.subnet_ids:
                continue
            subnet = self.backend.get_subnet(subnet_id)
            if subnet.vpc_id != endpoint.vpc_id:
                raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
            if subnet.availability_zone in zones:
                raise AwsError(
                    "DuplicateSubnetsInSameZone",
                    f"Found another VPC endpoint subnet in the availability zone of {subnet_id}",
                )
            zones.add(subnet.availability_zone)
            text = f"VPC Endpoint Interface {endpoint.id}"
            groups = endpoint.security_group_ids
            eni = service_interface(self.backend, subnet_id, groups, "vpc_endpoint", text)
            endpoint.subnet_ids.append(subnet_id)
            endpoint.network_interface_ids.append(eni.id)

    def remove_subnets(self, subnet_ids: list[str]) -> None:
        endpoint = self.endpoint
        for eni_id in list(endpoint.network_interface_ids):
            if self.backend.enis[eni_id].subnet.id in subnet_ids:
                self.backend.enis.pop(eni_id)
                endpoint.network_interface_ids.remove(eni_id)
        endpoint.subnet_ids = [subnet_id for subnet_id in endpoint.subnet_ids if subnet_id not in subnet_ids]

    def set_groups(self, group_ids: list[str]) -> None:
        """At least one; they are the groups of its interfaces too."""
        if not group_ids:
            raise AwsError("InvalidParameter", "You must specify at least one security group for the endpoint.")
        groups = []
        for group_id in group_ids:
            group = self.backend.get_security_group_from_id(group_id)
            if group is None or group.vpc_id != self.endpoint.vpc_id:
                raise InvalidSecurityGroupNotFoundError(group_id)
            groups.append(group)
        self.endpoint.security_group_ids = list(dict.fromkeys(group_ids))
        for eni_id in self.endpoint.network_interface_ids:
            self.backend.enis[eni_id]._group_set = groups

    def add_tables(self, table_ids: list[str]) -> None:
        """A route to the service's prefix list in each table; a table has one at most."""
        endpoint = self.endpoint
        prefix_list = endpoint.destination_prefix_list_id
        for table_id in table_ids:
            if table_id in endpoint.route_table_ids:
                continue
            table = self.backend.get_route_table(table_id)
            if table.vpc_id != endpoint.vpc_id:
                raise AwsError(
                    "InvalidParameter", f"Route table {table_id} does not belong to VPC {endpoint.vpc_id}"
                )
            if any(route.destination_prefix_list_id == prefix_list for route in table.routes):
                raise AwsError(
                    "RouteAlreadyExists",
                    f"route table {table_id} already has a route with destination-prefix-list-id {prefix_list}",
                )
            self.backend.create_route(
                table_id, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix_list
            )
            endpoint.route_table_ids.append(table_id)

    def remove_tables(self, table_ids: list[str]) -> None:
        for table_id in table_ids:
            if table_id in self.endpoint.route_table_ids:
                self.endpoint.route_table_ids.remove(table_id)
                table = self.backend.get_route_table(table_id)
                table._routes.pop(
                    generate_route_id(table_id, None, None, self.endpoint.destination_prefix_list_id), None
                )

    def set_private_dns(self, enabled: bool) -> None:
        """Needs both DNS attributes of the VPC, and no other endpoint with the same names."""
        endpoint = self.endpoint
        if enabled:
            vpc = self.backend.get_vpc(endpoint.vpc_id)
            if not (vpc.enable_dns_support in (True, "true") and vpc.enable_dns_hostnames in (True, "true")):
                raise AwsError(
                    "InvalidParameter",
                    "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames "
                    f"VPC attributes set to true for {vpc.id}",
                )
            for other in self.backend.vpc_end_points.values():
                if (
                    other is not endpoint
                    and other.vpc_id == endpoint.vpc_id
                    and other.service_name == endpoint.service_name
                    and other.private_dns_enabled
                    and other.state != "deleting"
                ):
                    raise AwsError(
                        "InvalidParameter",
                        "private-dns-enabled cannot be set because there is already a conflicting DNS domain "
                        f"for {endpoint.private_dns_name} in the VPC {vpc.id}",
                    )
        endpoint.private_dns_enabled = enabled
        base = f"{endpoint.id}-{hashlib.sha256(endpoint.id.encode()).hexdigest()[:8]}"
        name = f"{base}.{endpoint.service_name.split('.')[-1]}.{self.backend.region_name}.vpce.amazonaws.com"
        entries = [{"DnsName": name, "HostedZoneId": "Z7HUB22UULQXV"}]
        if enabled:
            entries.append({"DnsName": endpoint.private_dns_name, "HostedZoneId": "Z1HUB23UULQXV"})
        endpoint.dns_entries = entries

    def undo(self) -> None:
        """Let go of everything."""
        self.remove_tables(list(self.endpoint.route_table_ids))
        self.remove_subnets(list(self.endpoint.subnet_ids))


@adds(VPCs)
def create_vpc_endpoint(self):
    """Refused, whole, for each of the reasons AWS has; an interface endpoint is pending first."""
    backend = self.ec2_backend
    kind = self._get_param("VpcEndpointType", "Gateway")
    vpc_id = self._get_param("VpcId")
    name = self._get_param("ServiceName")
    vpc = backend.get_vpc(vpc_id)
    service = backend.endpoint_service(name, kind)
    endpoint = VPCEndPoint(
        backend,
        random_vpc_ep_id(),
        vpc_id,
        name,
        kind,
        policy(self._get_param("PolicyDocument"), kind),
        route_table_ids=[],
        subnet_ids=[],
    )
    endpoint.ip_address_type = self._get_param("IpAddressType", "ipv4")
    endpoint.dns_options = {"DnsRecordIpType": "ipv4" if kind == "Interface" else "service-defined"}
    endpoint.requester_managed = False
    endpoint.private_dns_enabled = False
    endpoint.private_dns_name = service.get("PrivateDnsName")
    endpoint.dns_entries = []
    changes = Changes(backend, endpoint)
    backend.vpc_end_points[endpoint.id] = endpoint
    try:
        if kind == "Interface":
            default = [backend.get_default_security_group(vpc.id).id]
            changes.set_groups(self._get_param("SecurityGroupIds", []) or default)
            changes.set_private_dns(self._get_bool_param("PrivateDnsEnabled", True))
            changes.add_subnets(self._get_param("SubnetIds", []))
        else:
            endpoint.destination_prefix_list_id = next(
                each.id for each in backend.managed_prefix_lists.values() if each.prefix_list_name == name
            )
            changes.add_tables(self._get_param("RouteTableIds", []))
    except Exception:
        changes.undo()
        del backend.vpc_end_points[endpoint.id]
        raise
    endpoint.add_tags(add_tag_specification(self._get_param("TagSpecifications", [])))
    if kind == "Interface":
        endpoint.state = "pending"
        later.after(settings.endpoint_delay, lambda: setattr_if(endpoint, "pending", "available"))
    return ActionResult({"VpcEndpoint": endpoint, "ClientToken": self._get_param("ClientToken")})


def setattr_if(endpoint: VPCEndPoint, old: str, new: str) -> None:
    """The next state, unless the endpoint left the old one otherwise."""
    if endpoint.state == old:
        endpoint.state = new


@wraps(EC2Backend)
def describe_vpc_endpoints(original, self, vpc_end_point_ids, filters=None):
    """Endpoints by id without a search; filters as AWS knows them."""
    for endpoint_id in vpc_end_point_ids or []:
        if endpoint_id not in self.vpc_end_points:
            raise InvalidVpcEndPointIdError(endpoint_id)
    ids = vpc_end_point_ids or list(self.vpc_end_points)
    return generic_filter(filters, [self.vpc_end_points[each] for each in ids])


@adds(VPCs)
def modify_vpc_endpoint(self):
    """Every parameter that fits the type; all of the call's changes are made, or none."""
    backend = self.ec2_backend
    endpoint = backend.get_vpc_end_point(self._get_param("VpcEndpointId"))
    if endpoint.state == "deleting":
        raise AwsError("IncorrectState", f"The VPC endpoint {endpoint.id} is being deleted.")
    given = {
        name: self._get_param(name, [])
        for change in ("Add", "Remove")
        for name in (f"{change}SubnetIds", f"{change}SecurityGroupIds", f"{change}RouteTableIds")
    }
    private = self._get_bool_param("PrivateDnsEnabled")
    interface = endpoint.vpc_endpoint_type == "Interface"
    misfits = ["RouteTableIds"] if interface else ["SubnetIds", "SecurityGroupIds"]
    wrong = [name for name in given if given[name] and any(name.endswith(each) for each in misfits)]
    if not interface and private is not None:
        wrong.append("PrivateDnsEnabled")
    if wrong:
        raise AwsError(
            "InvalidParameter", f"{wrong[0]} is not supported for endpoints of type {endpoint.vpc_endpoint_type}."
        )
    text = self._get_param("PolicyDocument")
    reset = self._get_bool_param("ResetPolicy", False)
    if text and reset:
        raise AwsError("InvalidParameterCombination", "PolicyDocument and ResetPolicy cannot be used together.")
    document = policy(text, endpoint.vpc_endpoint_type) if text or reset else endpoint.policy_document
    changes = Changes(backend, endpoint)
    if given["AddSecurityGroupIds"] or given["RemoveSecurityGroupIds"]:
        kept = [each for each in endpoint.security_group_ids if each not in given["RemoveSecurityGroupIds"]]
        changes.set_groups(kept + given["AddSecurityGroupIds"])
    if private is not None and private != endpoint.private_dns_enabled:
        changes.set_private_dns(private)
    changes.remove_subnets(given["RemoveSubnetIds"])
    changes.add_subnets(given["AddSubnetIds"])
    changes.remove_tables(given["RemoveRouteTableIds"])
    changes.add_tables(given["AddRouteTableIds"])
    endpoint.policy_document = document
    return ActionResult({"Return": True})


@adds(EC2Backend)
def delete_vpc_endpoints(self, vpce_ids=None):
    """Deleting for a while, with its interfaces; then gone. A gateway's routes go at once."""
    for endpoint_id in vpce_ids or []:
        endpoint = self.vpc_end_points.get(endpoint_id)
        if endpoint is None or endpoint.state == "deleting":
            continue
        endpoint.state = "deleting"
        changes = Changes(self, endpoint)
        changes.remove_tables(list(endpoint.route_table_ids))

        def gone(endpoint_id=endpoint_id, changes=changes) -> None:
            changes.undo()
            self.vpc_end_points.pop(endpoint_id, None)
            self.tags.pop(endpoint_id, None)

        later.after(settings.endpoint_delay, gone)


@adds(VPCs)
def delete_vpc_endpoints(self):  # noqa: F811
    """What cannot be deleted is answered, and does not keep the rest."""
    ids = self._get_param("VpcEndpointIds", [])
    missing = [each for each in ids if each not in self.ec2_backend.vpc_end_points]
    self.ec2_backend.delete_vpc_endpoints([each for each in ids if each not in missing])
    unsuccessful = [
        {
            "ResourceId": each,
            "Error": {
                "Code": "InvalidVpcEndpoint.NotFound",
                "Message": f"The Vpc Endpoint Id '{each}' does not exist",
            },
        }
        for each in missing
    ]
    return ActionResult({"Unsuccessful": unsuccessful})
