"""MaxResults and NextToken where moto answers everything in one page.

A page ends where AWS's does: at MaxResults, else at the largest page the
operation has. Tokens name the last item seen, so that pages neither skip nor
repeat what stays while other things come and go.
"""

import base64
import binascii

from moto.core.responses import BaseResponse
from moto.core.utils import get_pagination_model, get_service_model, get_value

from .patching import AwsError, wraps

#: The services whose answers are paged here: default page, largest page, error of a bad token.
SERVICES = {
    "ec2": (1000, 1000, "InvalidParameterValue"),
    "sagemaker": (10, 100, "ValidationException"),
    "ecr": (100, 1000, "InvalidParameterException"),
    "kms": (100, 1000, "InvalidMarkerException"),
}

#: Operations with other pages than their service's: default and largest.
OPERATIONS = {
    ("ec2", "DescribeEgressOnlyInternetGateways"): (255, 255),
    ("ec2", "DescribeManagedPrefixLists"): (100, 100),
    ("ec2", "DescribeRouteTables"): (100, 100),
    ("kms", "ListAliases"): (50, 100),
    ("kms", "ListGrants"): (50, 100),
    ("kms", "ListResourceTags"): (50, 50),
    ("sagemaker", "ListTags"): (50, 50),
}


def names(item: object) -> str:
    """What tells an item of a list from its neighbours, for a token."""
    for key in ("id", "arn", "Arn", "KeyArn", "AliasName", "GrantId", "TagKey", "Key", "Name"):
        value = get_value(item, key, None)
        if value:
            return str(value)
    return ""


def page(items: list, size: int, token: str | None, code: str) -> tuple[list, str | None]:
    """The items after the token, at most `size`, and the token of the next page."""
    start = 0
    if token:
        try:
            position, _, last = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
            start = int(position)
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise AwsError(code, f"The token {token!r} is invalid.") from None
        if last and not (0 < start <= len(items) and names(items[start - 1]) == last):
            start = next((n for n, item in enumerate(items, 1) if names(item) == last), min(start, len(items)))
    end = start + size
    if end >= len(items):
        return items[start:], None
    return items[start:end], base64.urlsafe_b64encode(f"{end}:{names(items[end - 1])}".encode()).decode()


def limit(service: str, operation: str, key: str, asked: object) -> int:
    """The size of the page; EC2 refuses sizes outside the range of its model."""
    default, largest = OPERATIONS.get((service, operation), SERVICES[service][:2])
    if asked in (None, ""):
        return default
    asked = int(asked)
    shape = get_service_model(service).operation_model(operation).input_shape.members[key]
    bounds = shape.metadata
    if service == "ec2":
        for bound, wrong, word in (("min", asked < bounds.get("min", 1), "greater"), ("max", asked > bounds.get("max", asked), "less")):
            if wrong:
                raise AwsError(
                    "InvalidParameterValue",
                    f"Value ( {asked} ) for parameter {key[0].lower()}{key[1:]} is invalid. "
                    f"Expecting a value {word} than or equal to {bounds.get(bound, 1)}.",
                )
    return min(asked, largest)


@wraps(BaseResponse)
def serialized(original, self, action_result):
    """Cut the one list of an answer into pages, unless moto did so itself."""
    result = action_result.result
    service = self.boto3_service_name
    if service in SERVICES and isinstance(result, dict):
        operation = self._get_action()
        model = get_pagination_model(service).get(operation)
        if model and "limit_key" in model and not isinstance(model["result_key"], list):
            token_key = model["output_token"]
            items = result.get(model["result_key"])
            if isinstance(items, list) and token_key not in result:
                size = limit(service, operation, model["limit_key"], self._get_param(model["limit_key"]))
                shown, token = page(items, size, self._get_param(model["input_token"]), SERVICES[service][2])
                result[model["result_key"]] = shown
                if token:
                    result[token_key] = token
                    if model.get("more_results"):
                        result[model["more_results"]] = True
    return original(self, action_result)
