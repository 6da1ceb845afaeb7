"""CodeCommit: repositories, branches, files, approval rule templates and tags.

moto creates, reads and deletes repositories and knows nothing of their
content. Here a commit is a tree of files with its parents, and a branch the
name of a commit; there is no Git transport.
"""

import base64
import hashlib
import re
import uuid

from moto.codecommit.models import CodeCommitBackend
from moto.codecommit.responses import CodeCommitResponse
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from .paging import page
from .patching import AwsError, adds, wraps

NAME = re.compile(r"[\w.-]{1,100}(?<!\.git)")
BATCH = 100


@wraps(CodeCommitResponse)
def __init__(original, self):
    original(self)
    self.automated_parameter_parsing = True


class Repository:
    """Its metadata, as answered, and its content."""

    def __init__(self, backend: CodeCommitBackend, name: str, description: str | None, key: str | None) -> None:
        region, account = backend.region_name, backend.account_id
        managed = uuid.uuid5(uuid.NAMESPACE_URL, f"{account}/{region}/alias/aws/codecommit")
        self.metadata = {
            "accountId": account,
            "repositoryId": str(uuid.uuid4()),
            "repositoryDescription": description,
            "creationDate": utcnow(),
            "kmsKeyId": key or f"arn:{backend.partition}:kms:{region}:{account}:key/{managed}",
        }
        self.region, self.partition = region, backend.partition
        self.branches: dict[str, str] = {}
        self.commits: dict[str, dict] = {}
        self.templates: set[str] = set()
        self.triggers: list[dict] = []
        self.tags: dict[str, str] = {}
        self.rename(name)

    def rename(self, name: str) -> None:
        path = f"git-codecommit.{self.region}.amazonaws.com/v1/repos/{name}"
        account = self.metadata["accountId"]
        self.metadata |= {
            "repositoryName": name,
            "Arn": f"arn:{self.partition}:codecommit:{self.region}:{account}:{name}",
            "cloneUrlHttp": f"https://{path}",
            "cloneUrlSsh": f"ssh://{path}",
        }
        self.touch()

    def touch(self) -> None:
        self.metadata["lastModifiedDate"] = utcnow()

    def commit_of(self, specifier: str | None) -> dict:
        """The commit of a branch, a reference or an id; of the default branch if none is given."""
        specifier = (specifier or self.metadata.get("defaultBranch") or "").removeprefix("refs/heads/")
        commit = self.commits.get(self.branches.get(specifier, specifier))
        if commit is None:
            raise AwsError("CommitDoesNotExistException", f"The commit specifier {specifier} does not exist")
        return commit

    def write(self, asked: dict, changes: dict[str, bytes | None]) -> dict:
        """A commit on a branch: files by path, None for those taken away."""
        branch, parent = asked["branchName"], asked.get("parentCommitId")
        tip = self.branches.get(branch)
        if self.branches and tip is None:
            raise AwsError("BranchDoesNotExistException", f"The branch {branch} does not exist")
        if tip and not parent:
            raise AwsError("ParentCommitIdRequiredException", "A parent commit ID is required: the repository has commits.")
        if tip and parent != tip:
            raise AwsError("ParentCommitIdOutdatedException", f"The tip of {branch} is {tip}, not {parent}")
        tree = dict(self.commits[tip]["files"]) if tip else {}
        before = dict(tree)
        for path, content in changes.items():
            if content is None and path not in tree:
                raise AwsError("FileDoesNotExistException", f"{path} does not exist in {branch}")
            tree.pop(path, None) if content is None else tree.__setitem__(path, content)
        if tree == before and not asked.get("keepEmptyFolders"):
            raise AwsError("NoChangeException", "The commit changes nothing.")
        person = {"name": asked.get("authorName") or asked.get("name") or "", "email": asked.get("email") or "", "date": "0 +0000"}
        fields = {
            "treeId": hashlib.sha1(repr(sorted(tree.items())).encode()).hexdigest(),
            "parents": [tip] if tip else [],
            "message": asked.get("commitMessage") or "",
            "author": person,
            "committer": person,
        }
        id = hashlib.sha1(f"{fields}{len(self.commits)}".encode()).hexdigest()
        self.commits[id] = {"commitId": id, **fields, "files": tree}
        self.branches[branch] = id
        self.metadata.setdefault("defaultBranch", branch)
        self.touch()
        return self.commits[id]


def blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def valid(name: str | None) -> str:
    if not NAME.fullmatch(name or ""):
        raise AwsError(
            "InvalidRepositoryNameException",
            "The repository name is not valid. Repository names can be any valid combination of letters, "
            "numbers, periods, underscores, and dashes between 1 and 100 characters in length. "
            "Names are case sensitive.",
        )
    return name


def repository(self: CodeCommitResponse) -> Repository:
    name = valid(self._get_param("repositoryName"))
    found = self.codecommit_backend.repositories.get(name)
    if found is None:
        raise AwsError("RepositoryDoesNotExistException", f"{name} does not exist")
    return found


def by_arn(self: CodeCommitResponse) -> Repository:
    arn = self._get_param("resourceArn")
    for found in self.codecommit_backend.repositories.values():
        if found.metadata["Arn"] == arn:
            return found
    raise AwsError("RepositoryDoesNotExistException", f"{arn} does not exist")


def templates(self: CodeCommitResponse) -> dict[str, dict]:
    return self.codecommit_backend.__dict__.setdefault("templates", {})


def template(self: CodeCommitResponse, parameter: str = "approvalRuleTemplateName") -> dict:
    name = self._get_param(parameter)
    if name not in templates(self):
        raise AwsError("ApprovalRuleTemplateDoesNotExistException", f"The approval rule template {name} does not exist")
    return templates(self)[name]


operation = adds(CodeCommitResponse)


@operation
def create_repository(self):
    name, table = valid(self._get_param("repositoryName")), self.codecommit_backend.repositories
    if name in table:
        raise AwsError("RepositoryNameExistsException", f"Repository named {name} already exists")
    made = Repository(self.codecommit_backend, name, self._get_param("repositoryDescription"), self._get_param("kmsKeyId"))
    made.tags = dict(self._get_param("tags") or {})
    table[name] = made
    return ActionResult({"repositoryMetadata": made.metadata})


@operation
def get_repository(self):
    return ActionResult({"repositoryMetadata": repository(self).metadata})


@operation
def batch_get_repositories(self):
    """The repositories found, and the names of the others."""
    names, table = self._get_param("repositoryNames", []), self.codecommit_backend.repositories
    if len(names) > BATCH:
        raise AwsError("MaximumRepositoryNamesExceededException", f"At most {BATCH} repository names are allowed.")
    return ActionResult(
        {
            "repositories": [table[name].metadata for name in names if name in table],
            "repositoriesNotFound": [name for name in names if name not in table],
        }
    )


@operation
def list_repositories(self):
    found = [repository.metadata for repository in list(self.codecommit_backend.repositories.values())]
    order, down = self._get_param("sortBy"), self._get_param("order") == "descending"
    if order:
        found.sort(key=lambda m: m[order if order == "lastModifiedDate" else "repositoryName"], reverse=down)
    shown, token = page(found, 1000, self._get_param("nextToken"), "InvalidContinuationTokenException")
    return ActionResult({"repositories": shown, "nextToken": token})


@operation
def delete_repository(self):
    """What is not there is deleted without an error, and without an id."""
    gone = self.codecommit_backend.repositories.pop(valid(self._get_param("repositoryName")), None)
    return ActionResult({"repositoryId": gone.metadata["repositoryId"]} if gone else {})


@operation
def update_repository_description(self):
    found = repository(self)
    found.metadata["repositoryDescription"] = self._get_param("repositoryDescription")
    found.touch()
    return EmptyResult()


@operation
def update_repository_encryption_key(self):
    found = repository(self)
    before = found.metadata["kmsKeyId"]
    found.metadata["kmsKeyId"] = self._get_param("kmsKeyId")
    found.touch()
    answer = {"repositoryId": found.metadata["repositoryId"], "kmsKeyId": self._get_param("kmsKeyId")}
    return ActionResult({**answer, "originalKmsKeyId": before})


@operation
def update_repository_name(self):
    table, old, new = self.codecommit_backend.repositories, valid(self._get_param("oldName")), valid(self._get_param("newName"))
    if old not in table:
        raise AwsError("RepositoryDoesNotExistException", f"{old} does not exist")
    if new in table:
        raise AwsError("RepositoryNameExistsException", f"Repository named {new} already exists")
    table[new] = table.pop(old)
    table[new].rename(new)
    return EmptyResult()


@operation
def update_default_branch(self):
    found, name = repository(self), self._get_param("defaultBranchName")
    if name not in found.branches:
        raise AwsError("BranchDoesNotExistException", f"The branch {name} does not exist")
    found.metadata["defaultBranch"] = name
    found.touch()
    return EmptyResult()


@operation
def create_branch(self):
    found, name = repository(self), self._get_param("branchName")
    if name in found.branches:
        raise AwsError("BranchNameExistsException", f"The branch {name} already exists")
    found.branches[name] = found.commit_of(self._get_param("commitId"))["commitId"]
    return EmptyResult()


def branch_of(found: Repository, name: str) -> dict:
    if name not in found.branches:
        raise AwsError("BranchDoesNotExistException", f"The branch {name} does not exist")
    return {"branch": {"branchName": name, "commitId": found.branches[name]}}


@operation
def get_branch(self):
    return ActionResult(branch_of(repository(self), self._get_param("branchName")))


@operation
def list_branches(self):
    shown, token = page(sorted(repository(self).branches), 1000, self._get_param("nextToken"), "InvalidContinuationTokenException")
    return ActionResult({"branches": shown, "nextToken": token})


@operation
def delete_branch(self):
    found, name = repository(self), self._get_param("branchName")
    if name == found.metadata.get("defaultBranch"):
        raise AwsError("DefaultBranchCannotBeDeletedException", "The default branch cannot be deleted.")
    answer = {"deletedBranch": branch_of(found, name)["branch"]} if name in found.branches else {}
    found.branches.pop(name, None)
    return ActionResult(answer)


@operation
def create_commit(self):
    found, asked = repository(self), self.params
    changes: dict[str, bytes | None] = {entry["filePath"]: None for entry in asked.get("deleteFiles") or []}
    for entry in asked.get("putFiles") or []:
        changes[entry["filePath"]] = content_of(entry.get("fileContent"))
    commit = found.write(asked, changes)
    added = [
        {"absolutePath": path, "blobId": blob_id(content), "fileMode": "NORMAL"}
        for path, content in changes.items()
        if content is not None
    ]
    removed = [{"absolutePath": path} for path, content in changes.items() if content is None]
    return ActionResult(
        {"commitId": commit["commitId"], "treeId": commit["treeId"], "filesAdded": added, "filesUpdated": [], "filesDeleted": removed}
    )


def content_of(value: bytes | str | None) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else value or b""


@operation
def put_file(self):
    content = content_of(self._get_param("fileContent"))
    commit = repository(self).write(self.params, {self._get_param("filePath"): content})
    return ActionResult({"commitId": commit["commitId"], "treeId": commit["treeId"], "blobId": blob_id(content)})


@operation
def delete_file(self):
    path = self._get_param("filePath")
    commit = repository(self).write(self.params, {path: None})
    return ActionResult({"commitId": commit["commitId"], "treeId": commit["treeId"], "filePath": path, "blobId": "0" * 40})


@operation
def get_file(self):
    commit, path = repository(self).commit_of(self._get_param("commitSpecifier")), self._get_param("filePath")
    if path not in commit["files"]:
        raise AwsError("FileDoesNotExistException", f"{path} does not exist in {commit['commitId']}")
    content = commit["files"][path]
    return ActionResult(
        {
            "commitId": commit["commitId"],
            "filePath": path,
            "blobId": blob_id(content),
            "fileMode": "NORMAL",
            "fileSize": len(content),
            "fileContent": content,
        }
    )


@operation
def get_folder(self):
    """The files directly in a folder, and its folders."""
    commit, folder = repository(self).commit_of(self._get_param("commitSpecifier")), self._get_param("folderPath").strip("/")
    prefix = f"{folder}/" if folder else ""
    inside = [path.removeprefix(prefix) for path in commit["files"] if path.startswith(prefix)]
    if not inside:
        raise AwsError("FolderDoesNotExistException", f"{folder} does not exist")
    files = [
        {"absolutePath": prefix + name, "relativePath": name, "blobId": blob_id(commit["files"][prefix + name]), "fileMode": "NORMAL"}
        for name in inside
        if "/" not in name
    ]
    folders = sorted({name.partition("/")[0] for name in inside if "/" in name})
    below = [{"absolutePath": prefix + name, "relativePath": name, "treeId": "0" * 40} for name in folders]
    answer = {"commitId": commit["commitId"], "treeId": commit["treeId"], "folderPath": folder}
    return ActionResult({**answer, "files": files, "subFolders": below})


@operation
def get_commit(self):
    found = repository(self)
    if self._get_param("commitId") not in found.commits:
        raise AwsError("CommitIdDoesNotExistException", f"The commit {self._get_param('commitId')} does not exist")
    return ActionResult({"commit": found.commits[self._get_param("commitId")]})


@operation
def get_repository_triggers(self):
    return ActionResult({"configurationId": "0", "triggers": repository(self).triggers})


@operation
def put_repository_triggers(self):
    repository(self).triggers = self._get_param("triggers", [])
    return ActionResult({"configurationId": str(uuid.uuid4())})


@operation
def list_tags_for_resource(self):
    return ActionResult({"tags": by_arn(self).tags})


@operation
def tag_resource(self):
    by_arn(self).tags.update(self._get_param("tags", {}))
    return EmptyResult()


@operation
def untag_resource(self):
    found = by_arn(self)
    for key in self._get_param("tagKeys", []):
        found.tags.pop(key, None)
    return EmptyResult()


@operation
def create_approval_rule_template(self):
    name, content = self._get_param("approvalRuleTemplateName"), self._get_param("approvalRuleTemplateContent")
    if name in templates(self):
        raise AwsError("ApprovalRuleTemplateNameAlreadyExistsException", f"The approval rule template {name} already exists")
    templates(self)[name] = {
        "approvalRuleTemplateId": str(uuid.uuid4()),
        "approvalRuleTemplateName": name,
        "approvalRuleTemplateDescription": self._get_param("approvalRuleTemplateDescription"),
        "approvalRuleTemplateContent": content,
        "ruleContentSha256": hashlib.sha256(content.encode()).hexdigest(),
        "creationDate": utcnow(),
        "lastModifiedDate": utcnow(),
    }
    return ActionResult({"approvalRuleTemplate": template(self)})


@operation
def get_approval_rule_template(self):
    return ActionResult({"approvalRuleTemplate": template(self)})


@operation
def list_approval_rule_templates(self):
    return ActionResult({"approvalRuleTemplateNames": sorted(templates(self))})


def change_template(self: CodeCommitResponse, field: str, parameter: str) -> ActionResult:
    changed = template(self)
    changed |= {field: self._get_param(parameter), "lastModifiedDate": utcnow()}
    changed["ruleContentSha256"] = hashlib.sha256(changed["approvalRuleTemplateContent"].encode()).hexdigest()
    return ActionResult({"approvalRuleTemplate": changed})


@operation
def update_approval_rule_template_content(self):
    return change_template(self, "approvalRuleTemplateContent", "newRuleContent")


@operation
def update_approval_rule_template_description(self):
    return change_template(self, "approvalRuleTemplateDescription", "approvalRuleTemplateDescription")


@operation
def update_approval_rule_template_name(self):
    old, new = self._get_param("oldApprovalRuleTemplateName"), self._get_param("newApprovalRuleTemplateName")
    changed = template(self, "oldApprovalRuleTemplateName")
    if new in templates(self):
        raise AwsError("ApprovalRuleTemplateNameAlreadyExistsException", f"The approval rule template {new} already exists")
    changed["approvalRuleTemplateName"] = new
    templates(self)[new] = templates(self).pop(old)
    for found in self.codecommit_backend.repositories.values():
        found.templates = {new if name == old else name for name in found.templates}
    return ActionResult({"approvalRuleTemplate": changed})


@operation
def delete_approval_rule_template(self):
    name = self._get_param("approvalRuleTemplateName")
    if any(name in found.templates for found in self.codecommit_backend.repositories.values()):
        raise AwsError("ApprovalRuleTemplateInUseException", f"The approval rule template {name} is associated with a repository")
    gone = templates(self).pop(name, {})
    return ActionResult({"approvalRuleTemplateId": gone.get("approvalRuleTemplateId", "")})


@operation
def associate_approval_rule_template_with_repository(self):
    repository(self).templates.add(template(self)["approvalRuleTemplateName"])
    return EmptyResult()


@operation
def disassociate_approval_rule_template_from_repository(self):
    repository(self).templates.discard(template(self)["approvalRuleTemplateName"])
    return EmptyResult()


@operation
def list_associated_approval_rule_templates_for_repository(self):
    return ActionResult({"approvalRuleTemplateNames": sorted(repository(self).templates)})


@operation
def list_repositories_for_approval_rule_template(self):
    name, table = template(self)["approvalRuleTemplateName"], self.codecommit_backend.repositories
    return ActionResult({"repositoryNames": [key for key, found in table.items() if name in found.templates]})


# The tagging API finds repositories too.
CodeCommitBackend.__bases__ += (TaggableResourcesMixin,)
CodeCommitBackend.SERVICE_NAMESPACE = "codecommit"


@adds(CodeCommitBackend)
def iter_tagged_resources(self):
    for found in list(self.repositories.values()):
        yield TaggedResource(arn=found.metadata["Arn"], tags=dict(found.tags), resource_type="codecommit:repository")


def retag(self: CodeCommitBackend, arn: str, change) -> None:
    change(next(found.tags for found in self.repositories.values() if found.metadata["Arn"] == arn))


CodeCommitBackend.tag_resource = lambda self, arn, tags: retag(self, arn, lambda old: old.update(tags))
CodeCommitBackend.untag_resource = lambda self, arn, keys: retag(self, arn, lambda old: [old.pop(key, None) for key in keys])
