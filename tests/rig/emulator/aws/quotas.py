"""Service quotas of the services in use, and what budgets lack.

A request for more is granted after a while. Quota codes are AWS's where they
are widely published; the others are made from the quota's name.
"""

import hashlib

from moto.budgets.models import BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import get_service_model, utcnow
from moto.moto_api._internal import mock_random as random
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.resources.default_quotas.vpc import VPC_DEFAULT_QUOTAS
from moto.servicequotas.responses import ServiceQuotasResponse

from .later import after
from .paging import page
from .patching import AwsError, adds, settings, wraps

SERVICES = {
    "codeartifact": "AWS CodeArtifact",
    "codecommit": "AWS CodeCommit",
    "iam": "AWS Identity and Access Management (IAM)",
    "kms": "AWS Key Management Service (AWS KMS)",
    "logs": "Amazon CloudWatch Logs",
    "s3": "Amazon Simple Storage Service (Amazon S3)",
    "sagemaker": "Amazon SageMaker",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}

#: Service, name, value, and the code if it is known.
QUOTAS: list[tuple[str, str, float, str | None]] = [
    ("codeartifact", "Domains per AWS account", 10, None),
    ("codeartifact", "Repositories per domain", 1000, None),
    ("codecommit", "Allowed repositories", 5000, "L-81790602"),
    ("iam", "Customer managed policies per account", 1500, "L-E95E4862"),
    ("iam", "Managed policies per role", 10, "L-0DA4ABF3"),
    ("iam", "Role trust policy length", 2048, "L-C07B4B0D"),
    ("iam", "Roles per account", 1000, "L-FE177D64"),
    ("kms", "Customer Master Keys (CMKs)", 100000, "L-C2F1777E"),
    ("logs", "Log groups", 1000000, "L-D2832119"),
    ("s3", "General purpose buckets", 10000, "L-DC2B2D3D"),
    ("sagemaker", "Total number of notebook instances", 20, None),
    ("sagemaker", "Maximum number of Studio domains per AWS account", 10, None),
    ("sagemaker", "Number of notebook instance lifecycle configurations", 200, None),
]

#: The notebook quota of an instance type in a new account, by the family: none of the accelerated ones.
NOTEBOOKS = {"t2": 20, "t3": 20, "m4": 8, "m5": 8, "c4": 4, "c5": 4, "r5": 4}


def notebook_quotas():
    for kind in get_service_model("sagemaker").shape_for("InstanceType").enum:
        yield "sagemaker", f"{kind} for notebook instance usage", NOTEBOOKS.get(kind.split(".")[1], 0), None


def defaults(backend: ServiceQuotasBackend, service: str) -> dict[str, dict]:
    """AWS's default quotas of a service, by code."""
    if service not in SERVICES:
        raise AwsError("NoSuchResourceException", "The request failed because the specified service does not exist.")
    if service == "vpc":
        known = [(service, quota["QuotaName"], quota["Value"], quota["QuotaCode"]) for quota in VPC_DEFAULT_QUOTAS]
    else:
        known = [quota for quota in (*QUOTAS, *notebook_quotas()) if quota[0] == service]
    quotas = {}
    for _, name, value, code in known:
        code = code or f"L-{hashlib.sha256(f'{service}/{name}'.encode()).hexdigest()[:8].upper()}"
        owner = f"arn:{backend.partition}:servicequotas:{backend.region_name}:{backend.account_id}"
        quotas[code] = {
            "ServiceCode": service,
            "ServiceName": SERVICES[service],
            "QuotaArn": f"{owner}:{service}/{code}",
            "QuotaCode": code,
            "QuotaName": name,
            "Value": float(value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": service == "iam",
        }
    return quotas


def applied(backend: ServiceQuotasBackend, service: str) -> dict[str, dict]:
    """The quotas of the account: the defaults and what was granted."""
    granted = backend.__dict__.setdefault("granted", {})
    return {
        code: {**quota, "Value": granted.get((service, code), quota["Value"])}
        for code, quota in defaults(backend, service).items()
    }


def one(quotas: dict[str, dict], code: str) -> dict:
    if code not in quotas:
        raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
    return quotas[code]


@wraps(ServiceQuotasResponse)
def __init__(original, self):
    original(self)
    self.automated_parameter_parsing = True


def paged(self: ServiceQuotasResponse, key: str, items: list) -> ActionResult:
    size = int(self._get_param("MaxResults") or 100)
    shown, token = page(items, size, self._get_param("NextToken"), "InvalidPaginationTokenException")
    return ActionResult({key: shown, "NextToken": token})


@adds(ServiceQuotasResponse)
def list_services(self):
    return paged(self, "Services", [{"ServiceCode": code, "ServiceName": name} for code, name in SERVICES.items()])


@adds(ServiceQuotasResponse)
def list_service_quotas(self):
    quotas = applied(self.backend, self._get_param("ServiceCode")).values()
    wanted = self._get_param("QuotaCode")
    return paged(self, "Quotas", [quota for quota in quotas if wanted in (None, quota["QuotaCode"])])


@adds(ServiceQuotasResponse)
def list_aws_default_service_quotas(self):
    return paged(self, "Quotas", list(defaults(self.backend, self._get_param("ServiceCode")).values()))


@adds(ServiceQuotasResponse)
def get_service_quota(self):
    return ActionResult({"Quota": one(applied(self.backend, self._get_param("ServiceCode")), self._get_param("QuotaCode"))})


@adds(ServiceQuotasResponse)
def get_aws_default_service_quota(self):
    return ActionResult({"Quota": one(defaults(self.backend, self._get_param("ServiceCode")), self._get_param("QuotaCode"))})


def requests(self: ServiceQuotasResponse) -> dict[str, dict]:
    return self.backend.__dict__.setdefault("requests", {})


@adds(ServiceQuotasResponse)
def request_service_quota_increase(self):
    """Pending, then approved and in force."""
    backend, service, code = self.backend, self._get_param("ServiceCode"), self._get_param("QuotaCode")
    quota, desired = one(applied(backend, service), code), float(self._get_param("DesiredValue"))
    if desired <= quota["Value"]:
        raise AwsError("IllegalArgumentException", "The desired value must be greater than the quota's value.")
    if any(r["QuotaCode"] == code and r["Status"] == "PENDING" for r in requests(self).values()):
        raise AwsError("ResourceAlreadyExistsException", "Only one open service quota increase request is allowed per quota.")
    request = {
        "Id": random.uuid4().hex,
        **{name: quota[name] for name in ("ServiceCode", "ServiceName", "QuotaCode", "QuotaName", "QuotaArn", "Unit", "GlobalQuota")},
        "DesiredValue": desired,
        "Status": "PENDING",
        "Created": utcnow(),
        "LastUpdated": utcnow(),
    }
    requests(self)[request["Id"]] = request

    def grant() -> None:
        request.update(Status="APPROVED", LastUpdated=utcnow())
        backend.granted[service, code] = desired

    after(settings.studio_delay, grant)
    return ActionResult({"RequestedQuota": request})


@adds(ServiceQuotasResponse)
def get_requested_service_quota_change(self):
    return ActionResult({"RequestedQuota": one(requests(self), self._get_param("RequestId"))})


def history(self: ServiceQuotasResponse) -> ActionResult:
    asked = [(name, self._get_param(name)) for name in ("ServiceCode", "QuotaCode", "Status")]
    found = [r for r in requests(self).values() if all(value in (None, r[name]) for name, value in asked)]
    return paged(self, "RequestedQuotas", found)


@adds(ServiceQuotasResponse)
def list_requested_service_quota_change_history(self):
    return history(self)


@adds(ServiceQuotasResponse)
def list_requested_service_quota_change_history_by_quota(self):
    return history(self)


# Budgets


@wraps(BudgetsResponse)
def __init__(original, self):  # noqa: F811
    original(self)
    self.automated_parameter_parsing = True


def budget_tags(self: BudgetsResponse) -> dict[str, dict[str, str]]:
    return self.backend.__dict__.setdefault("budget_tags", {})


def budget_named(backend: BudgetsBackend, account: str, name: str):
    if name not in backend.budgets[account]:
        raise AwsError("NotFoundException", f"Unable to get budget: {name} - the budget doesn't exist.")
    return backend.budgets[account][name]


@wraps(BudgetsResponse)
def create_budget(original, self):
    """With its tags."""
    answer = original(self)
    name, account = self._get_param("Budget")["BudgetName"], self._get_param("AccountId")
    tags = {tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags") or []}
    budget_tags(self)[f"arn:{self.partition}:budgets::{account}:budget/{name}"] = tags
    return answer


@adds(BudgetsResponse)
def describe_budget(self):
    budget = budget_named(self.backend, self._get_param("AccountId"), self._get_param("BudgetName"))
    return ActionResult({"Budget": budget.to_dict()})


@adds(BudgetsResponse)
def describe_budgets(self):
    size, token = int(self._get_param("MaxResults") or 100), self._get_param("NextToken")
    found = self.backend.describe_budgets(self._get_param("AccountId"))
    shown, token = page(found, size, token, "InvalidNextTokenException")
    return ActionResult({"Budgets": shown, "NextToken": token})


@adds(BudgetsResponse)
def update_budget(self):
    """The new budget replaces the old one; what AWS computes stays."""
    new = dict(self._get_param("NewBudget"))
    old = budget_named(self.backend, self._get_param("AccountId"), new["BudgetName"])
    kept = {name: old.budget[name] for name in ("TimePeriod", "CalculatedSpend") if name in old.budget}
    old.budget = {**kept, **new, "LastUpdatedTime": utcnow().timestamp()}
    return EmptyResult()


@adds(BudgetsResponse)
def update_notification(self):
    budget = budget_named(self.backend, self._get_param("AccountId"), self._get_param("BudgetName"))
    for notification in budget.notifications:
        if notification.details == self._get_param("OldNotification"):
            notification.details = self._get_param("NewNotification")
            return EmptyResult()
    raise AwsError("NotFoundException", "Unable to update notification - the notification doesn't exist.")


def notification_of(self: BudgetsResponse):
    budget = budget_named(self.backend, self._get_param("AccountId"), self._get_param("BudgetName"))
    for notification in budget.notifications:
        if notification.details == self._get_param("Notification"):
            return notification
    raise AwsError("NotFoundException", "The notification doesn't exist.")


@adds(BudgetsResponse)
def describe_subscribers_for_notification(self):
    return ActionResult({"Subscribers": notification_of(self).subscribers})


@adds(BudgetsResponse)
def create_subscriber(self):
    notification_of(self).subscribers.append(self._get_param("Subscriber"))
    return EmptyResult()


@adds(BudgetsResponse)
def delete_subscriber(self):
    notification = notification_of(self)
    notification.subscribers = [s for s in notification.subscribers if s != self._get_param("Subscriber")]
    return EmptyResult()


def tags_of(self: BudgetsResponse) -> dict[str, str]:
    arn = self._get_param("ResourceARN")
    if arn not in budget_tags(self):
        raise AwsError("NotFoundException", f"The resource {arn} doesn't exist.")
    return budget_tags(self)[arn]


@adds(BudgetsResponse)
def list_tags_for_resource(self):
    return ActionResult({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags_of(self).items()]})


@adds(BudgetsResponse)
def tag_resource(self):
    tags_of(self).update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
    return EmptyResult()


@adds(BudgetsResponse)
def untag_resource(self):
    for key in self._get_param("ResourceTagKeys"):
        tags_of(self).pop(key, None)
    return EmptyResult()
