"""CodeArtifact: a service moto does not have.

Domains, repositories with upstreams and external connections, their
permissions policies, tags, endpoints and tokens; no packages are stored.
The service is put where moto looks for its own: three modules of the package
moto, and a pattern that recognises its host.
"""

import json
import re
import sys
import types
from datetime import timedelta

import moto.backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.core.utils import utcnow
from moto.moto_api._internal import mock_random as random

from .paging import page
from .patching import AwsError

NAME = re.compile(r"[a-z][a-z0-9-]{0,48}[a-z0-9]")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,99}")
FORMATS = ("cargo", "generic", "maven", "npm", "nuget", "pypi", "ruby", "swift")
UPSTREAMS = 10


def missing(kind: str, name: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"{kind} not found. {kind} '{name}' does not exist.")


class CodeArtifactBackend(BaseBackend, TaggableResourcesMixin):
    """Domains by name; repositories by domain and name."""

    SERVICE_NAMESPACE = "codeartifact"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.domains: dict[str, dict] = {}
        self.repositories: dict[tuple[str, str], dict] = {}
        self.policies: dict[str, dict] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def arn(self, path: str) -> str:
        return f"arn:{self.partition}:codeartifact:{self.region_name}:{self.account_id}:{path}"

    def domain(self, name: str) -> dict:
        if name not in self.domains:
            raise missing("Domain", name)
        return self.domains[name]

    def repository(self, domain: str, name: str) -> dict:
        self.domain(domain)
        if (domain, name) not in self.repositories:
            raise missing("Repository", f"{domain}/{name}")
        return self.repositories[domain, name]

    def tagged(self, arn: str) -> dict[str, str]:
        if not any(item["arn"] == arn for item in (*self.domains.values(), *self.repositories.values())):
            raise missing("Resource", arn)
        return self.tags.setdefault(arn, {})

    def iter_tagged_resources(self):
        for kind, items in (("domain", self.domains), ("repository", self.repositories)):
            for item in list(items.values()):
                tags = dict(self.tags.get(item["arn"], {}))
                yield TaggedResource(arn=item["arn"], tags=tags, resource_type=f"codeartifact:{kind}")

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        self.tagged(arn).update(tags)

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        for key in tag_keys:
            self.tagged(arn).pop(key, None)


codeartifact_backends = BackendDict(CodeArtifactBackend, "codeartifact")


class CodeArtifactResponse(BaseResponse):
    """Its operations."""

    def __init__(self) -> None:
        super().__init__(service_name="codeartifact")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> CodeArtifactBackend:
        return codeartifact_backends[self.current_account][self.region]

    def asked(self, *names: str) -> list:
        return [self._get_param(name) for name in names]

    def tags_asked(self) -> dict[str, str]:
        return {tag["key"]: tag["value"] for tag in self._get_param("tags", []) or []}

    def domain(self) -> dict:
        return self.backend.domain(self._get_param("domain"))

    def repository(self) -> dict:
        return self.backend.repository(*self.asked("domain", "repository"))

    def paged(self, key: str, items: list) -> ActionResult:
        size = int(self._get_param("maxResults") or 100)
        shown, token = page(items, size, self._get_param("nextToken"), "ValidationException")
        return ActionResult({key: shown, "nextToken": token})

    # Domains

    def described(self, domain: dict) -> dict:
        repositories = [key for key in self.backend.repositories if key[0] == domain["name"]]
        return {**domain, "repositoryCount": len(repositories), "assetSizeBytes": 0}

    def create_domain(self) -> ActionResult:
        name, key = self.asked("domain", "encryptionKey")
        backend = self.backend
        if not NAME.fullmatch(name or ""):
            raise AwsError("ValidationException", f"Domain name {name} is not valid.")
        if name in backend.domains:
            raise AwsError("ConflictException", f"Domain already exists. Domain '{name}' already exists.")
        managed = f"arn:{backend.partition}:kms:{backend.region_name}:{backend.account_id}:key/{random.uuid4()}"
        domain = backend.domains[name] = {
            "name": name,
            "owner": backend.account_id,
            "arn": backend.arn(f"domain/{name}"),
            "status": "Active",
            "createdTime": utcnow(),
            "encryptionKey": key or managed,
            "s3BucketArn": f"arn:{backend.partition}:s3:::assets-193858265520-{backend.region_name}",
        }
        backend.tags[domain["arn"]] = self.tags_asked()
        return ActionResult({"domain": self.described(domain)})

    def describe_domain(self) -> ActionResult:
        return ActionResult({"domain": self.described(self.domain())})

    def list_domains(self) -> ActionResult:
        return self.paged("domains", list(self.backend.domains.values()))

    def delete_domain(self) -> ActionResult:
        """Refused while it has repositories; one that is not there is deleted without an error."""
        backend, name = self.backend, self._get_param("domain")
        if name not in backend.domains:
            return ActionResult({})
        if any(domain == name for domain, _ in backend.repositories):
            raise AwsError("ConflictException", f"Domain '{name}' cannot be deleted: it contains repositories.")
        domain = backend.domains.pop(name)
        self.forget(domain["arn"])
        return ActionResult({"domain": {**domain, "status": "Deleted"}})

    def forget(self, arn: str) -> None:
        self.backend.tags.pop(arn, None)
        self.backend.policies.pop(arn, None)

    # Repositories

    def check_upstreams(self, domain: str) -> list[dict]:
        upstreams = self._get_param("upstreams", []) or []
        if len(upstreams) > UPSTREAMS:
            raise AwsError("ValidationException", f"A repository can have at most {UPSTREAMS} upstreams.")
        for upstream in upstreams:
            self.backend.repository(domain, upstream["repositoryName"])
        return [dict(upstream) for upstream in upstreams]

    def create_repository(self) -> ActionResult:
        domain, name, description = self.asked("domain", "repository", "description")
        backend = self.backend
        owner = self.domain()["owner"]
        if not REPOSITORY.fullmatch(name or ""):
            raise AwsError("ValidationException", f"Repository name {name} is not valid.")
        if (domain, name) in backend.repositories:
            raise AwsError("ConflictException", f"Repository already exists. Repository '{domain}/{name}' already exists.")
        repository = backend.repositories[domain, name] = {
            "name": name,
            "administratorAccount": backend.account_id,
            "domainName": domain,
            "domainOwner": owner,
            "arn": backend.arn(f"repository/{domain}/{name}"),
            "description": description,
            "upstreams": self.check_upstreams(domain),
            "externalConnections": [],
            "createdTime": utcnow(),
        }
        backend.tags[repository["arn"]] = self.tags_asked()
        return ActionResult({"repository": repository})

    def describe_repository(self) -> ActionResult:
        return ActionResult({"repository": self.repository()})

    def update_repository(self) -> ActionResult:
        repository = self.repository()
        if self._get_param("description") is not None:
            repository["description"] = self._get_param("description")
        if self._get_param("upstreams") is not None:
            repository["upstreams"] = self.check_upstreams(repository["domainName"])
        return ActionResult({"repository": repository})

    def delete_repository(self) -> ActionResult:
        repository = self.repository()
        del self.backend.repositories[repository["domainName"], repository["name"]]
        self.forget(repository["arn"])
        return ActionResult({"repository": repository})

    def list_repositories(self) -> ActionResult:
        prefix = self._get_param("repositoryPrefix") or ""
        found = [item for item in self.backend.repositories.values() if item["name"].startswith(prefix)]
        return self.paged("repositories", found)

    def list_repositories_in_domain(self) -> ActionResult:
        name, prefix = self.domain()["name"], self._get_param("repositoryPrefix") or ""
        items = self.backend.repositories.items()
        return self.paged("repositories", [r for (domain, n), r in items if domain == name and n.startswith(prefix)])

    def associate_external_connection(self) -> ActionResult:
        repository, connection = self.repository(), self._get_param("externalConnection")
        if repository["externalConnections"]:
            raise AwsError("ConflictException", "A repository can have one external connection.")
        form = {"public:npmjs": "npm", "public:pypi": "pypi", "public:crates-io": "cargo"}.get(connection, "maven")
        entry = {"externalConnectionName": connection, "packageFormat": form, "status": "Available"}
        repository["externalConnections"].append(entry)
        return ActionResult({"repository": repository})

    def disassociate_external_connection(self) -> ActionResult:
        repository, name = self.repository(), self._get_param("externalConnection")
        kept = [c for c in repository["externalConnections"] if c["externalConnectionName"] != name]
        if len(kept) == len(repository["externalConnections"]):
            raise missing("External connection", name)
        repository["externalConnections"] = kept
        return ActionResult({"repository": repository})

    def get_repository_endpoint(self) -> ActionResult:
        repository, form = self.repository(), self._get_param("format")
        if form not in FORMATS:
            raise AwsError("ValidationException", f"Format {form} is not supported.")
        host = f"{repository['domainName']}-{repository['domainOwner']}.d.codeartifact.{self.region}.amazonaws.com"
        return ActionResult({"repositoryEndpoint": f"https://{host}/{form}/{repository['name']}/"})

    def get_authorization_token(self) -> ActionResult:
        self.domain()
        lifetime = timedelta(seconds=int(self._get_param("durationSeconds") or 43200))
        return ActionResult({"authorizationToken": random.uuid4().hex, "expiration": utcnow() + lifetime})

    # Permissions policies

    def put_policy(self, arn: str) -> ActionResult:
        document, revision = self.asked("policyDocument", "policyRevision")
        try:
            json.loads(document)["Statement"]
        except (ValueError, KeyError, TypeError):
            raise AwsError("ValidationException", "The policy document is not valid.") from None
        old = self.backend.policies.get(arn)
        if revision and old and old["revision"] != revision:
            raise AwsError("ConflictException", "The policy has another revision.")
        policy = {"resourceArn": arn, "revision": random.uuid4().hex, "document": document}
        self.backend.policies[arn] = policy
        return ActionResult({"policy": policy})

    def get_policy(self, arn: str) -> ActionResult:
        if arn not in self.backend.policies:
            raise missing("Policy", arn)
        return ActionResult({"policy": self.backend.policies[arn]})

    def delete_policy(self, arn: str) -> ActionResult:
        if arn not in self.backend.policies:
            raise missing("Policy", arn)
        return ActionResult({"policy": self.backend.policies.pop(arn)})

    def put_domain_permissions_policy(self) -> ActionResult:
        return self.put_policy(self.domain()["arn"])

    def get_domain_permissions_policy(self) -> ActionResult:
        return self.get_policy(self.domain()["arn"])

    def delete_domain_permissions_policy(self) -> ActionResult:
        return self.delete_policy(self.domain()["arn"])

    def put_repository_permissions_policy(self) -> ActionResult:
        return self.put_policy(self.repository()["arn"])

    def get_repository_permissions_policy(self) -> ActionResult:
        return self.get_policy(self.repository()["arn"])

    def delete_repository_permissions_policy(self) -> ActionResult:
        return self.delete_policy(self.repository()["arn"])

    # Packages and tags

    def list_packages(self) -> ActionResult:
        self.repository()
        return self.paged("packages", [])

    def list_tags_for_resource(self) -> ActionResult:
        tags = self.backend.tagged(self._get_param("resourceArn"))
        return ActionResult({"tags": [{"key": key, "value": value} for key, value in tags.items()]})

    def tag_resource(self) -> ActionResult:
        self.backend.tag_resource(self._get_param("resourceArn"), self.tags_asked())
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        self.backend.untag_resource(self._get_param("resourceArn"), self._get_param("tagKeys", []))
        return EmptyResult()


HOSTS = [r"https?://codeartifact\.(.+)\.amazonaws\.com"]


def module(name: str, **contents: object) -> None:
    """A module where moto expects one of its own."""
    made = sys.modules[name] = types.ModuleType(name)
    made.__dict__.update(contents)


module("moto.codeartifact", codeartifact_backends=codeartifact_backends)
module("moto.codeartifact.models", codeartifact_backends=codeartifact_backends)
module(
    "moto.codeartifact.urls",
    url_bases=HOSTS,
    url_paths={"{0}/.*$": CodeArtifactResponse.dispatch},
)
CodeArtifactBackend.__module__ = "moto.codeartifact.models"
moto.backend_index.backend_url_patterns.append(("codeartifact", re.compile(HOSTS[0])))
