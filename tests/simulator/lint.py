"""Lints identity policies with cloudsplaining: JSON lines `{"id", "document"}` in, findings out."""

import json
import logging
import sys

from cloudsplaining.scan.policy_document import PolicyDocument
from cloudsplaining.scan.statement_detail import StatementDetail

logging.disable(logging.CRITICAL)


def unbounded(document):
    """Actions that could be bound to resources, allowed on all of them without a condition; by statement."""
    for statement in document["Statement"]:
        detail = StatementDetail(statement)
        if detail.effect == "Allow" and detail.has_resource_wildcard and not detail.condition:
            for action in sorted(detail.restrictable_actions):
                yield {"sid": statement.get("Sid", ""), "action": action}


for line in sys.stdin:
    policy = json.loads(line)
    document = policy["document"]
    # With the flag, a condition is not taken for an excuse.
    judged = PolicyDocument(document, flag_conditional_statements=True)
    findings = {
        "id": policy["id"],
        "escalations": [found["type"] for found in judged.allows_privilege_escalation],
        "services": sorted(judged.service_wildcard),
        "unbounded": list(unbounded(document)),
    }
    print(json.dumps(findings))
