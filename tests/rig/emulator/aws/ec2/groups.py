"""Security groups: rules are told apart, kept and answered as AWS does."""

import contextlib
import ipaddress

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidSecurityGroupNotFoundError, InvalidSecurityGroupRuleIdNotFoundError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import GroupedSecurityRuleView, SecurityGroup, SecurityGroupRule
from moto.ec2.responses.security_groups import SecurityGroups

from ..patching import AwsError, adds, wraps

PROTOCOLS = {"all": "-1", "1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}


@wraps(SecurityGroupRule)
def __init__(original, self, backend, ip_protocol, group_id, from_port, to_port, ip_range, *args, **kwargs):  # noqa: N807
    """Only TCP, UDP and ICMP have ports; moto crashes without them for protocol 50.

    Protocols are answered by name where they have one, addresses in their
    canonical form, and the description of a prefix list is kept.
    """
    protocol = PROTOCOLS.get(str(ip_protocol).lower(), str(ip_protocol).lower())
    if protocol in ("tcp", "udp") and None in (from_port, to_port):
        raise AwsError(
            "InvalidParameterValue",
            "Invalid value for portRange. Must specify both from and to ports with TCP/UDP.",
        )
    if protocol in ("icmp", "icmpv6"):
        from_port, to_port = (-1 if port is None else port for port in (from_port, to_port))
    ported = protocol in ("tcp", "udp", "icmp", "icmpv6")
    if ip_range:
        ip_range = dict(ip_range)
        for family in ("CidrIp", "CidrIpv6"):
            if ip_range.get(family):
                ip_range[family] = str(ipaddress.ip_network(ip_range[family], strict=False))
    original(self, backend, "-1", group_id, None, None, ip_range, *args, **kwargs)
    self.ip_protocol = protocol
    self.from_port, self.to_port = (int(from_port), int(to_port)) if ported else (None, None)
    prefix_list = kwargs.get("prefix_list_id") or (args[1] if len(args) > 1 else None) or {}
    self.prefix_list_description = prefix_list.get("Description")
    self.filters |= {
        "is-egress": lambda values: str(self.is_egress).lower() in values,
    }


def identity(rule: SecurityGroupRule) -> tuple:
    """What makes two rules of a group the same rule: not the description."""
    return (
        rule.ip_protocol,
        rule.from_port,
        rule.to_port,
        rule.ip_range.get("CidrIp"),
        rule.ip_range.get("CidrIpv6"),
        rule.source_group.get("GroupId"),
        rule.prefix_list_id,
    )


@adds(SecurityGroupRule)
def __eq__(self, other):  # noqa: N807
    return identity(self) == identity(other)


@property
def description(self):
    """moto answers the description of address ranges only."""
    return self.ip_range.get("Description") or self.source_group.get("Description") or self.prefix_list_description


SecurityGroupRule.description = description
SecurityGroupRule.group_owner_id = property(lambda self: self.ec2_backend.account_id)


@adds(SecurityGroup)
def _flattened_rules(self, rules):
    """Rules of one protocol and port range are answered together; a prefix list keeps its description."""
    views: dict[tuple, GroupedSecurityRuleView] = {}
    for rule in rules:
        key = (rule.ip_protocol, rule.from_port, rule.to_port)
        view = views.setdefault(key, GroupedSecurityRuleView(rule.from_port, rule.to_port, rule.ip_protocol))
        if rule.ip_range:
            view.all_ip_ranges.append(rule.ip_range)
        if rule.source_group:
            view.source_groups.append(rule.source_group)
        if rule.prefix_list_id:
            pair = {"PrefixListId": rule.prefix_list_id}
            if rule.prefix_list_description:
                pair["Description"] = rule.prefix_list_description
            view.prefix_list_ids.append(pair)
    return list(views.values())


@wraps(EC2Backend)
def create_security_group(original, self, name, *args, is_default=None, **kwargs):
    """A VPC's default group lets its members reach each other; its name is reserved."""
    if name == "default" and not is_default:
        raise AwsError("InvalidParameterValue", "Cannot use reserved security group name: default")
    group = original(self, name, *args, is_default=is_default, **kwargs)
    if is_default:
        source = {"GroupId": group.id, "UserId": self.account_id}
        rule = SecurityGroupRule(self, "-1", group.id, None, None, None, source_group=source, is_egress=False)
        group.ingress_rules.append(rule)
    return group


@wraps(SecurityGroups)
def create_security_group(original, self):  # noqa: F811
    """The answer has the group's tags."""
    action = original(self)
    action.result["Tags"] = self.ec2_backend.get_security_group_from_id(action.result["GroupId"]).tag_set
    return action


@contextlib.contextmanager
def whole(response: SecurityGroups):
    """The group of the call; its rules are all changed, or none is."""
    name = response._get_param("GroupId") or response._get_param("GroupName")
    group = response.ec2_backend.get_security_group_by_name_or_id(name)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(name)
    before = list(group.ingress_rules), list(group.egress_rules)
    try:
        yield group
    except Exception:
        group.ingress_rules, group.egress_rules = before
        raise


def authorize(self: SecurityGroups, direction: str) -> ActionResult:
    """The answer has the rules of every permission of the call, not of the last one only."""
    self.error_on_dryrun()
    rules = []
    with whole(self):
        for call in self._process_rules_from_querystring():
            for prefix_list in call["prefix_list_ids"]:
                if prefix_list["PrefixListId"] not in self.ec2_backend.managed_prefix_lists:
                    raise AwsError(
                        "InvalidPrefixListID.NotFound",
                        f"The prefix list ID '{prefix_list['PrefixListId']}' does not exist",
                    )
            rules += getattr(self.ec2_backend, f"authorize_security_group_{direction}")(**call)[0]
    return ActionResult({"Return": True, "SecurityGroupRules": rules})


def revoke(self: SecurityGroups, direction: str) -> ActionResult:
    """Rules are named by what they say or by id; an unknown id has its own error."""
    self.error_on_dryrun()
    attribute = f"{direction}_rules"
    with whole(self) as group:
        before = list(getattr(group, attribute))
        for rule_id in self._get_param("SecurityGroupRuleIds", []):
            if rule_id not in {rule.id for rule in before}:
                raise InvalidSecurityGroupRuleIdNotFoundError(rule_id)
        for call in self._process_rules_from_querystring():
            del call["sgrule_tags"]
            getattr(self.ec2_backend, f"revoke_security_group_{direction}")(**call)
        left = {rule.id for rule in getattr(group, attribute)}
    revoked = [
        {
            "SecurityGroupRuleId": rule.id,
            "GroupId": rule.group_id,
            "IsEgress": rule.is_egress,
            "IpProtocol": rule.ip_protocol,
            "FromPort": -1 if rule.from_port is None else rule.from_port,
            "ToPort": -1 if rule.to_port is None else rule.to_port,
            "CidrIpv4": rule.cidr_ipv4,
            "CidrIpv6": rule.cidr_ipv6,
            "PrefixListId": rule.prefix_list_id,
            "ReferencedGroupId": rule.source_group.get("GroupId"),
            "Description": rule.description,
        }
        for rule in before
        if rule.id not in left
    ]
    return ActionResult({"Return": True, "RevokedSecurityGroupRules": revoked})


SecurityGroups.authorize_security_group_ingress = lambda self: authorize(self, "ingress")
SecurityGroups.authorize_security_group_egress = lambda self: authorize(self, "egress")
SecurityGroups.revoke_security_group_ingress = lambda self: revoke(self, "ingress")
SecurityGroups.revoke_security_group_egress = lambda self: revoke(self, "egress")


@wraps(EC2Backend)
def _sg_update_description(original, self, wanted, rule):
    """Also of a rule that names a prefix list."""
    original(self, wanted, rule)
    if rule.prefix_list_id:
        rule.prefix_list_description = wanted.prefix_list_description
