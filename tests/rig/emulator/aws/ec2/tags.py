"""Tags: read in constant time, and gone with what carried them."""

from moto.ec2.models import EC2Backend
from moto.ec2.models.core import TaggedEC2Resource
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

from ..patching import adds, wraps


@adds(TaggedEC2Resource)
def get_tags(self):
    """moto searches the tags of every resource in the region for one resource's."""
    tags = self.ec2_backend.tags.get(self.id) if self.id else None
    if not tags:
        return []
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(self.id), "")
    return [
        {"resource_id": self.id, "key": key, "value": value, "resource_type": kind} for key, value in tags.items()
    ]


@wraps(EC2Backend)
def do_resources_exist(original, self, resource_ids):
    """Tags can only be put on what there is; moto does not look at endpoints."""
    for resource_id in resource_ids:
        if resource_id.startswith("vpce-") and not resource_id.startswith("vpce-svc-"):
            self.get_vpc_end_point(resource_id)
    return original(self, resource_ids)
