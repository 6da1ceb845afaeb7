"""Network interfaces: free addresses, and those that services own."""

import ipaddress

from moto.ec2.exceptions import InvalidSecurityGroupNotFoundError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.subnets import Subnet

from ..patching import AwsError, wraps

#: AWS keeps the first four addresses of a subnet, and the last.
RESERVED = 4


def free_address(backend: EC2Backend, subnet: Subnet) -> str:
    """An address no interface of the subnet has; moto's random ones collide."""
    enis = backend.enis.of_subnet[subnet.id].values()
    taken = {address["PrivateIpAddress"] for eni in enis for address in eni.private_ip_addresses}
    network = ipaddress.ip_network(subnet.cidr_block)
    for number in range(int(network.network_address) + RESERVED, int(network.broadcast_address)):
        address = str(ipaddress.ip_address(number))
        if address not in taken:
            return address
    raise AwsError(
        "InsufficientFreeAddressesInSubnet",
        f"The specified subnet '{subnet.id}' does not have enough free addresses to satisfy the request.",
    )


@wraps(EC2Backend)
def create_network_interface(original, self, subnet, private_ip_address, private_ip_addresses=None, *args, **kwargs):
    """It takes a free address, and only groups that exist in its VPC; moto makes up the groups it lacks."""
    subnet = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
    for group_id in kwargs.get("group_ids") or []:
        group = self.get_security_group_from_id(group_id)
        if group is None:
            raise InvalidSecurityGroupNotFoundError(group_id)
        if group.vpc_id != subnet.vpc_id:
            raise AwsError(
                "InvalidParameterValue",
                f"You have specified two resources that belong to different networks: {group_id}.",
            )
    if not private_ip_address and not private_ip_addresses and subnet.cidr_block:
        private_ip_address = free_address(self, subnet)
    return original(self, subnet, private_ip_address, private_ip_addresses, *args, **kwargs)


def service_interface(backend: EC2Backend, subnet_id: str, groups: list[str], kind: str, text: str) -> NetworkInterface:
    """An interface that a service owns in the caller's subnet."""
    eni = backend.create_network_interface(subnet_id, None, group_ids=list(groups), description=text)
    eni.interface_type = kind
    eni.requester_managed = True
    eni.requester_id = "amazon-aws"
    eni.status = "in-use"
    return eni


@wraps(EC2Backend)
def delete_network_interface(original, self, eni_id):
    """An interface in use, also by a service, is not deleted."""
    eni = self.get_network_interface(eni_id)
    if eni.requester_managed or eni.attachment_id:
        raise AwsError("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
    original(self, eni_id)
    self.tags.pop(eni_id, None)


@wraps(NetworkInterface)
def get_filter_value(original, self, filter_name, method_name=None):
    if filter_name == "group-name":
        return [group.name for group in self._group_set]
    if filter_name in ("interface-type", "requester-managed", "status", "requester-id"):
        return getattr(self, filter_name.replace("-", "_"))
    return original(self, filter_name, method_name)
