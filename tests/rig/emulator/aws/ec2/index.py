"""Groups and interfaces by id, found without a search through all of them.

moto searches every group of the region for each group of each endpoint it
describes, and every interface for each subnet's free addresses.
"""

from collections import defaultdict

from moto.ec2.exceptions import InvalidNetworkInterfaceIdError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterfaceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import Subnet

from ..patching import adds, wraps


class Interfaces(dict):
    """The interfaces by id, and by subnet."""

    def __init__(self) -> None:
        super().__init__()
        self.of_subnet: dict[str, dict] = defaultdict(dict)

    def __setitem__(self, key, eni) -> None:
        super().__setitem__(key, eni)
        self.of_subnet[eni.subnet.id][key] = eni

    def __delitem__(self, key) -> None:
        self.pop(key)

    def pop(self, key, default=None):
        eni = super().pop(key, default)
        if eni is not default:
            self.of_subnet[eni.subnet.id].pop(key, None)
        return eni


@wraps(NetworkInterfaceBackend)
def __init__(original, self):  # noqa: N807
    original(self)
    self.enis = Interfaces()


@wraps(SecurityGroupBackend)
def __init__(original, self):  # noqa: N807, F811
    original(self)
    self.group_by_id = {}


@wraps(EC2Backend)
def create_security_group(original, self, *args, **kwargs):
    group = original(self, *args, **kwargs)
    self.group_by_id[group.id] = group
    return group


@wraps(EC2Backend)
def _delete_security_group(original, self, vpc_id, group_id):
    original(self, vpc_id, group_id)
    self.group_by_id.pop(group_id, None)
    self.tags.pop(group_id, None)


@adds(EC2Backend)
def get_security_group_from_id(self, group_id):
    return self.group_by_id.get(group_id)


@adds(EC2Backend)
def get_network_interface(self, eni_id):
    if eni_id not in self.enis:
        raise InvalidNetworkInterfaceIdError(eni_id)
    return self.enis[eni_id]


@property
def available_ip_address_count(self):
    taken = sum(len(eni.private_ip_addresses) for eni in self.ec2_backend.enis.of_subnet[self.id].values())
    return self._available_ip_addresses - taken


Subnet.available_ip_address_count = available_ip_address_count
