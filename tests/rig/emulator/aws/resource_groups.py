"""Resource groups: named by name or ARN, listed in pages, with the resources in them."""

import json

from moto.resourcegroups import urls
from moto.resourcegroups.exceptions import NotFoundException
from moto.resourcegroups.models import ResourceGroupsBackend
from moto.resourcegroups.responses import ResourceGroupsResponse

from .paging import page
from .patching import adds, wraps
from .tagging import kind_of, matching

urls.url_paths["{0}/list-group-resources$"] = ResourceGroupsResponse.dispatch
urls.url_paths["{0}/resources/search$"] = ResourceGroupsResponse.dispatch


@wraps(ResourceGroupsResponse)
def _get_param(original, self, param_name, if_none=None):
    """GroupName is the old name of Group, which may be an ARN."""
    if param_name == "GroupName":
        group = original(self, "GroupName") or original(self, "Group")
        return group.partition(":group/")[2] if group and group.startswith("arn:") else group
    return original(self, param_name, if_none)


@wraps(ResourceGroupsBackend)
def update_group(original, self, group_name, description=None):
    """moto crashes on a group that does not exist."""
    self.get_group(group_name)
    return original(self, group_name, description)


@wraps(ResourceGroupsBackend)
def update_group_query(original, self, group_name, resource_query):
    self.get_group(group_name)
    return original(self, group_name, resource_query)


@wraps(ResourceGroupsBackend)
def get_tags(original, self, arn):
    if arn not in self.groups.by_arn:
        raise NotFoundException()
    return original(self, arn)


@wraps(ResourceGroupsBackend)
def untag(original, self, arn, keys):
    """A key the group does not have is no error."""
    if arn not in self.groups.by_arn:
        raise NotFoundException()
    original(self, arn, [key for key in keys if key in self.groups.by_arn[arn].tags])


class Entry(dict):
    """One entry of a page, known to tokens by its ARN."""

    def __init__(self, arn: str, **values) -> None:
        super().__init__(**values)
        self.arn = arn


def paged(response: ResourceGroupsResponse, entries: list[Entry]) -> tuple[list[Entry], str | None]:
    size = int(response._get_param("MaxResults") or 50)
    return page(entries, size, response._get_param("NextToken"), "BadRequestException")


@adds(ResourceGroupsResponse)
def list_groups(self):
    groups = sorted(self.resourcegroups_backend.list_groups().values(), key=lambda group: group.name)
    entries = [Entry(group.arn, Name=group.name, GroupArn=group.arn, Description=group.description) for group in groups]
    shown, token = paged(self, entries)
    return json.dumps(
        {
            "GroupIdentifiers": [{"GroupName": each["Name"], "GroupArn": each["GroupArn"]} for each in shown],
            "Groups": shown,
            "NextToken": token,
        }
    )


def resources(response: ResourceGroupsResponse, query: dict) -> list[Entry]:
    """What has the tags of a TAG_FILTERS_1_0 query, of the types it names."""
    asked = json.loads(query["Query"])
    kinds = [kind for kind in asked.get("ResourceTypeFilters", []) if kind != "AWS::AllSupported"]
    found = matching(response.current_account, response.region, asked.get("TagFilters"))
    return [
        Entry(each.arn, ResourceArn=each.arn, ResourceType=kind_of(each))
        for each in found
        if not kinds or kind_of(each) in kinds
    ]


@adds(ResourceGroupsResponse)
def list_group_resources(self):
    """What the group's query finds; moto lacks the operation."""
    group = self.resourcegroups_backend.get_group(self._get_param("GroupName"))
    found = resources(self, group.resource_query) if group.resource_query else []
    shown, token = paged(self, found)
    return json.dumps(
        {
            "Resources": [{"Identifier": each} for each in shown],
            "ResourceIdentifiers": shown,
            "NextToken": token,
            "QueryErrors": [],
        }
    )


@adds(ResourceGroupsResponse)
def search_resources(self):
    """What a query finds; moto lacks the operation."""
    shown, token = paged(self, resources(self, self._get_param("ResourceQuery")))
    return json.dumps({"ResourceIdentifiers": shown, "NextToken": token, "QueryErrors": []})
