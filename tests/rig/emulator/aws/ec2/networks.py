"""VPCs, subnets and route tables: what they start with, and when they can go."""

import ipaddress

from moto.ec2.exceptions import DependencyViolationError, InvalidSecurityGroupNotFoundError, InvalidVPCIdError
from moto.ec2.models import EC2Backend
from moto.ec2.responses.route_tables import RouteTables
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.vpcs import VPCs
from moto.ec2.utils import generic_filter

from ..patching import AwsError, adds, wraps


def canonical(block: str | None) -> str | None:
    """10.1.2.3/16 is answered as 10.1.0.0/16; what is no block is refused later."""
    try:
        return str(ipaddress.ip_network(block, strict=False)) if block else block
    except ValueError:
        return block


@wraps(EC2Backend)
def create_vpc(original, self, cidr_block, *args, **kwargs):
    return original(self, canonical(cidr_block), *args, **kwargs)


@wraps(EC2Backend)
def create_subnet(
    original, self, vpc_id, cidr_block, ipv6_cidr_block=None, availability_zone=None, availability_zone_id=None, **kwargs
):
    """Zones are the region's own, by name or id; only subnets of the default VPC are default ones."""
    zones = self.describe_availability_zones()
    if availability_zone_id and not availability_zone:
        names = {zone.zone_id: zone.name for zone in zones}
        availability_zone = names.get(availability_zone_id, availability_zone_id)
    if availability_zone and availability_zone not in {zone.name for zone in zones}:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({availability_zone}) for parameter availabilityZone is invalid. Subnets can currently "
            f"only be created in the following availability zones: {', '.join(zone.name for zone in zones)}.",
        )
    cidr_block = canonical(cidr_block)
    if cidr_block and "/" in cidr_block and not 16 <= int(cidr_block.rpartition("/")[2]) <= 28:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{cidr_block}' is invalid.")
    subnet = original(self, vpc_id, cidr_block, ipv6_cidr_block, availability_zone, None, **kwargs)
    if not self.vpcs[vpc_id].is_default:
        subnet.default_for_az = subnet.map_public_ip_on_launch = False
    return subnet


@wraps(EC2Backend)
def delete_subnet(original, self, subnet_id):
    """Refused while it holds an interface; its route table no longer knows it afterwards."""
    subnet = self.get_subnet(subnet_id)
    if self.enis.of_subnet[subnet_id] or any(
        gateway.subnet_id == subnet_id and gateway.state != "deleted" for gateway in self.nat_gateways.values()
    ):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    original(self, subnet_id)
    for table in self.route_tables.values():
        for association in [key for key, target in table._associations.items() if target == subnet_id]:
            del table._associations[association]
    for acl in self.network_acls.values():
        for association in [key for key, value in acl._associations.items() if value.subnet_id == subnet_id]:
            del acl._associations[association]
    self.enis.of_subnet.pop(subnet_id, None)
    self.tags.pop(subnet_id, None)
    return subnet


@adds(EC2Backend)
def delete_vpc(self, vpc_id):
    """Only the default group, network ACL and main route table go with a VPC; anything else holds it."""
    if vpc_id not in self.vpcs:
        raise InvalidVPCIdError(vpc_id)
    groups = [group for group in self.groups[vpc_id].values() if not group.is_default]
    tables = [table for table in self.route_tables.values() if table.vpc_id == vpc_id]
    acls = [acl for acl in self.network_acls.values() if acl.vpc_id == vpc_id]
    holders = (
        groups
        or [table for table in tables if not table.main_association_id]
        or [acl for acl in acls if not acl.default]
        or [endpoint for endpoint in self.vpc_end_points.values() if endpoint.vpc_id == vpc_id]
        or [subnet for zone in self.subnets.values() for subnet in zone.values() if subnet.vpc_id == vpc_id]
        or [gateway for gateway in self.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc_id]
        or [
            gateway
            for gateway in self.vpn_gateways.values()
            if vpc_id in gateway.attachments and gateway.attachments[vpc_id].state == "attached"
        ]
    )
    if holders:
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    for table in tables:
        self.route_tables.pop(table.id)
        self.tags.pop(table.id, None)
    for acl in acls:
        self.network_acls.pop(acl.id)
        self.tags.pop(acl.id, None)
    for group_id in list(self.groups[vpc_id]):
        self._delete_security_group(vpc_id, group_id)
    self.groups.pop(vpc_id)
    self.tags.pop(vpc_id, None)
    return self.vpcs.pop(vpc_id)


@wraps(EC2Backend)
def delete_route_table(original, self, route_table_id):
    """A VPC's main table cannot be deleted; a deleted one leaves its gateway endpoints."""
    if self.get_route_table(route_table_id).main_association_id:
        raise DependencyViolationError(f"The routeTable '{route_table_id}' has dependencies and cannot be deleted.")
    original(self, route_table_id)
    self.tags.pop(route_table_id, None)
    for endpoint in self.vpc_end_points.values():
        if route_table_id in endpoint.route_table_ids:
            endpoint.route_table_ids.remove(route_table_id)


@wraps(RouteTables)
def delete_route(original, self):
    """An endpoint's route goes only with the endpoint."""
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    for route in table.routes:
        prefix_list = route.destination_prefix_list_id
        if prefix_list and prefix_list == self._get_param("DestinationPrefixListId"):
            if (route.gateway_id or "").startswith("vpce-"):
                raise AwsError("InvalidParameterValue", f"cannot remove VPC endpoint route {route.gateway_id}")
    return original(self)


@wraps(SecurityGroups)
def delete_security_group(original, self):
    """Refused for a default group, a group in use, and a group that another group's rules name."""
    backend = self.ec2_backend
    name = self._get_param("GroupId") or self._get_param("GroupName")
    group = backend.get_security_group_by_name_or_id(name)
    if group:
        if group.is_default:
            raise AwsError(
                "CannotDelete", f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user'
            )
        used = any(group in eni.group_set for eni in backend.enis.values()) or any(
            rule.source_group.get("GroupId") == group.id
            for other in backend.group_by_id.values()
            if other is not group
            for rule in other.ingress_rules + other.egress_rules
        )
        if used:
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
    action = original(self)
    action._result = {"Return": True, "GroupId": group.id if group else None}
    return action


@wraps(VPCs)
def modify_vpc_attribute(original, self):
    """One attribute a call."""
    names = ("EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics")
    given = [name for name in names if self._get_param(f"{name}.Value") is not None]
    if len(given) != 1:
        raise AwsError("InvalidParameterCombination", "Exactly one attribute must be specified")
    return original(self)


@wraps(EC2Backend)
def describe_vpcs(original, self, vpc_ids=None, filters=None):
    """The error names the first missing id; moto prints a Python set."""
    for vpc_id in vpc_ids or []:
        if vpc_id not in self.vpcs:
            raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    if vpc_ids:
        return generic_filter(filters, [self.vpcs[vpc_id] for vpc_id in vpc_ids])
    return original(self, vpc_ids, filters)


@wraps(EC2Backend)
def describe_security_groups(original, self, group_ids=None, groupnames=None, filters=None):
    """As for VPCs; and groups by id without a search."""
    for group_id in group_ids or []:
        if group_id not in self.group_by_id:
            raise InvalidSecurityGroupNotFoundError(group_id)
    if group_ids and not groupnames:
        groups = [self.group_by_id[group_id] for group_id in group_ids]
        return [group for group in groups if group.matches_filters(filters or {})]
    return original(self, group_ids, groupnames, filters)
