"""Whether a text is a policy document, and whether its principals exist.

AWS refuses a policy that is no JSON, lacks an element, or names a user or
role that does not exist. moto takes most of them.
"""

import json
import re

from moto.iam.models import iam_backends

#: What a policy, and what its statements may have.
TOP = {"Version", "Id", "Statement"}
ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


class Malformed(Exception):
    """Why the text is no policy."""


def as_list(value) -> list:
    return value if isinstance(value, list) else [value]


def no_repeats(pairs: list[tuple]) -> dict:
    """A JSON object, in which no key is given twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("This policy contains invalid Json: duplicate keys")
    return found


def statements(text: str, principal: bool, resource: bool) -> list[dict]:
    """The statements of the policy, which must have a principal, and must have a resource."""
    try:
        policy = json.loads(text, object_pairs_hook=no_repeats)
    except (TypeError, ValueError):
        raise Malformed("This policy contains invalid Json") from None
    if not isinstance(policy, dict) or "Statement" not in policy or set(policy) - TOP:
        raise Malformed("Syntax errors in policy.")
    if policy.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        raise Malformed("The policy must contain a valid version string.")
    found = as_list(policy["Statement"])
    names = [statement.get("Sid") for statement in found if isinstance(statement, dict) and statement.get("Sid")]
    if len(set(names)) < len(names):
        raise Malformed("Statement IDs (SID) in a single policy must be unique.")
    for statement in found:
        check(statement, principal, resource)
    return found


def check(statement, principal: bool, resource: bool) -> None:
    """One statement has what it needs, and nothing that AWS does not know."""
    if not isinstance(statement, dict) or set(statement) - ELEMENTS:
        raise Malformed("Syntax errors in policy.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise Malformed("Missing required field Effect")
    needed = [("Action", "NotAction")]
    if principal:
        needed.append(("Principal", "NotPrincipal"))
    if resource:
        needed.append(("Resource", "NotResource"))
    for plain, negated in needed:
        if (plain in statement) == (negated in statement):
            raise Malformed(f"Missing required field {plain}")
        value = statement.get(plain, statement.get(negated))
        if value in ([], {}, "", None):
            raise Malformed(f"Missing required field {plain}")
    for action in as_list(statement.get("Action", statement.get("NotAction"))):
        if not isinstance(action, str) or not re.fullmatch(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+", action):
            raise Malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    if not isinstance(statement.get("Condition", {}), dict):
        raise Malformed("Syntax errors in policy.")


def aws_principals(found: list[dict]) -> list[str]:
    """The AWS principals of the statements: ARNs, accounts, unique ids, or *."""
    principals = []
    for statement in found:
        for key in ("Principal", "NotPrincipal"):
            value = statement.get(key)
            if value is None:
                continue
            if value != "*" and not isinstance(value, dict):
                raise Malformed("Syntax errors in policy.")
            principals += ["*"] if value == "*" else [str(each) for each in as_list(value.get("AWS", []))]
    return principals


def missing(principal: str, account: str, partition: str) -> bool:
    """Whether the principal is a user or role of this account that does not exist, or no principal."""
    if principal == "*" or re.fullmatch(r"\d{12}", principal):
        return False
    backend = iam_backends[account][partition]
    if re.fullmatch(r"(AROA|AIDA)[A-Z0-9]+", principal):
        known = [role.id for role in backend.roles.values()] + [user.id for user in backend.users.values()]
        return principal not in known
    match = re.fullmatch(r"arn:(aws[a-z-]*):(iam|sts)::(\d{12}):(root|role/.+|user/.+|assumed-role/.+/.+)", principal)
    if not match:
        return True
    if match[3] != account or match[4] == "root" or match[2] == "sts":
        return False
    arns = {role.arn for role in backend.roles.values()} | {user.arn for user in backend.users.values()}
    return principal not in arns
