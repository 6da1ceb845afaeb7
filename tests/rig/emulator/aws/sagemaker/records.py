"""SageMaker's resources as records: one line of a table each, with states that pass.

A record keeps the fields of the request that made it, under AWS's names, so a
Describe answers every one of them; moto's own classes drop what they do not
know. The operations of a kind (Create, Describe, Update, List, Delete, Start,
Stop) and the fields they answer come from the API's model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, get_service_model, utcnow
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from ..later import after
from ..patching import AwsError, adds, settings, wraps

MODEL = get_service_model("sagemaker")
TAGS_PER_RESOURCE = 50


class Record(dict):
    """One resource: AWS's fields by name, and its tags."""

    def __init__(self, backend: SageMakerModelBackend, kind: "Kind", fields: dict) -> None:
        self.tags = [dict(tag) for tag in fields.pop("Tags", None) or []]
        super().__init__(fields)
        self.backend, self.kind = backend, kind
        self.turns = 0

    @property
    def arn(self) -> str:
        return self[self.kind.arn_field]

    @property
    def status(self) -> str | None:
        return self.get(self.kind.status)

    def turn(self, status: str | None) -> None:
        """Another state, now."""
        if self.kind.status and status:
            self[self.kind.status] = status
        self.turns += 1
        self.touch()

    def touch(self) -> None:
        self[self.kind.modified] = utcnow()

    def pass_through(self, status: str | None, then: str | Callable[[], None] | None) -> None:
        """A state now and, after the kind's delay, the next; unless something else came between."""
        self.turn(status)
        if not self.kind.status or then is None:
            if callable(then):
                then()
            return

        turns = self.turns

        def settle() -> None:
            if self.turns == turns:
                then() if callable(then) else self.turn(then)

        after(getattr(settings, self.kind.delay), settle)


@dataclass
class Kind:
    """One kind of resource and how it differs from the others."""

    noun: str
    arn_path: str
    keys: tuple[str, ...] = ()
    plural: str = ""
    arn_field: str = ""
    status: str = ""
    creating: str = "Pending"
    ready: str = "InService"
    updating: str = "Updating"
    updated: str = ""
    deleting: str = "Deleting"
    stoppable: tuple[str, ...] = ("InProgress", "InService")
    stopping: str = "Stopping"
    stopped: str = "Stopped"
    startable: tuple[str, ...] = ("Stopped",)
    starting: str = "Pending"
    deletable: tuple[str, ...] = ()
    #: The state in which a deleted one stays listed, if it does.
    left: str = ""
    delay: str = "studio_delay"
    created: str = "CreationTime"
    modified: str = "LastModifiedTime"
    missing: str = "ResourceNotFound"
    duplicate: str = "ResourceInUse"
    no_record: str = ""
    #: Called with a new record, to check it and to fill in what AWS fills in.
    prepare: Callable[[Record], None] = lambda record: None
    #: Called with a record and the changes asked for, before they are made.
    change: Callable[[Record, dict], None] = lambda record, changes: None
    #: Called with a record that is to be deleted, to refuse that.
    guard: Callable[[Record], None] = lambda record: None
    #: Called with a record that is gone.
    gone: Callable[[Record], None] = lambda record: None
    only: tuple[str, ...] = ("Create", "Describe", "Update", "List", "Delete", "Start", "Stop")
    fields: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keys = self.keys or (f"{self.noun}Name",)
        self.plural = self.plural or f"{self.noun}s"
        self.arn_field = self.arn_field or f"{self.noun}Arn"

    def table(self, backend: SageMakerModelBackend) -> dict[tuple, Record]:
        return backend.__dict__.setdefault("records", {}).setdefault(self.noun, {})

    def key_of(self, fields: dict) -> tuple:
        return tuple(fields.get(key) for key in self.keys)

    def find(self, backend: SageMakerModelBackend, fields: dict) -> Record:
        record = self.table(backend).get(self.key_of(fields))
        if record is None:
            name = "/".join(str(part) for part in self.key_of(fields) if part)
            raise AwsError(self.missing, self.no_record or f"{self.noun} [{name}] does not exist.")
        return record

    def add(self, backend: SageMakerModelBackend, fields: dict) -> Record:
        record = Record(backend, self, {**self.fields, **fields})
        if len(record.tags) > TAGS_PER_RESOURCE:
            raise AwsError("ValidationException", f"A resource can have at most {TAGS_PER_RESOURCE} tags.")
        record[self.created] = record[self.modified] = utcnow()
        if self.key_of(fields) in self.table(backend) and None not in self.key_of(fields)[:1]:
            old = self.table(backend)[self.key_of(fields)]
            if old.status != "Deleted":
                raise AwsError(self.duplicate, f"Cannot create a duplicate {spaced(self.noun)} ({old.arn})")
        self.prepare(record)
        path = self.arn_path.format(**{**record, "owner": record.get("UserProfileName") or record.get("SpaceName")})
        record[self.arn_field] = f"arn:{backend.partition}:sagemaker:{backend.region_name}:{backend.account_id}:{path}"
        self.table(backend)[self.key_of(record)] = record
        record.pass_through(self.creating, self.ready)
        return record

    def require(self, record: Record, states: tuple[str, ...], target: str) -> None:
        """The refusal of a change that the present state does not allow."""
        if states and record.status not in states:
            raise AwsError(
                "ValidationException",
                f"Status ({record.status}) not in ([{', '.join(states)}]). "
                f"Unable to transition to ({target}) for {spaced(self.noun)} ({record.arn})",
            )

    def remove(self, record: Record) -> None:
        """Deleting for a while, then gone."""
        self.require(record, self.deletable, self.deleting)
        self.guard(record)

        def vanish() -> None:
            if self.left:
                record.turn(self.left)
                return
            table = self.table(record.backend)
            if table.get(self.key_of(record)) is record:
                del table[self.key_of(record)]
            self.gone(record)

        record.pass_through(self.deleting, vanish)


KINDS: list[Kind] = []


def spaced(noun: str) -> str:
    """NotebookInstance as it reads in a message: Notebook Instance."""
    return "".join(f" {c}" if c.isupper() and n and not noun[n - 1].isupper() else c for n, c in enumerate(noun))


def asked(self: SageMakerResponse) -> dict:
    return {name: value for name, value in self.params.items() if value is not None}


def create(kind: Kind, self: SageMakerResponse) -> ActionResult:
    return ActionResult(kind.add(self.sagemaker_backend, asked(self)))


def describe(kind: Kind, self: SageMakerResponse) -> ActionResult:
    return ActionResult(kind.find(self.sagemaker_backend, asked(self)))


def update(kind: Kind, self: SageMakerResponse) -> ActionResult:
    """The fields of the request replace the record's; the others stay."""
    changes = asked(self)
    record = kind.find(self.sagemaker_backend, changes)
    kind.require(record, kind.deletable, kind.updating)
    changes = {name: value for name, value in changes.items() if name not in kind.keys}
    kind.change(record, changes)
    record.update(changes)
    record.pass_through(kind.updating if kind.status else None, kind.updated or kind.ready)
    return ActionResult(record)


def delete(kind: Kind, self: SageMakerResponse) -> ActionResult:
    kind.remove(kind.find(self.sagemaker_backend, asked(self)))
    return EmptyResult()


def stop(kind: Kind, self: SageMakerResponse) -> ActionResult:
    record = kind.find(self.sagemaker_backend, asked(self))
    kind.require(record, kind.stoppable, kind.stopping)
    record.pass_through(kind.stopping, kind.stopped)
    return ActionResult(record)


def start(kind: Kind, self: SageMakerResponse) -> ActionResult:
    record = kind.find(self.sagemaker_backend, asked(self))
    kind.require(record, kind.startable, kind.starting)
    record.pass_through(kind.starting, kind.ready)
    return ActionResult(record)


def chosen(kind: Kind, record: Record, filters: dict) -> bool:
    """Whether a record passes a List's filters, which are named after what they look at."""
    for name, value in filters.items():
        if name in ("NextToken", "MaxResults", "SortBy", "SortOrder"):
            continue
        for ending in ("Contains", "Equals", "After", "Before", ""):
            if name.endswith(ending):
                break
        of = name.removesuffix(ending)
        aliases = {"Name": kind.keys[-1], "Status": kind.status, "ModifiedTime": kind.modified, "Created": kind.created}
        actual = record.get(aliases.get(of, of), record.get(f"{kind.noun}{of}"))
        passes = {
            "Contains": lambda: value.lower() in str(actual or "").lower(),
            "Equals": lambda: value == actual or (isinstance(actual, list) and value in actual),
            "After": lambda: actual is not None and in_utc(actual) > in_utc(value),
            "Before": lambda: actual is not None and in_utc(actual) < in_utc(value),
            "": lambda: value == actual,
        }[ending]()
        if not passes:
            return False
    return True


def in_utc(time: object) -> datetime:
    """A time of a request or a record, so that they compare."""
    if not isinstance(time, datetime):
        time = datetime.fromtimestamp(float(time), UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def listed(kind: Kind, self: SageMakerResponse) -> ActionResult:
    """The records that pass the filters, in the order asked for; pages are cut elsewhere."""
    filters = asked(self)
    records = [record for record in list(kind.table(self.sagemaker_backend).values()) if chosen(kind, record, filters)]
    by = filters.get("SortBy", "CreationTime")
    fields = {"Name": kind.keys[-1], "Status": kind.status, "CreationTime": kind.created, "LastModifiedTime": kind.modified}
    records.sort(key=lambda record: str(record.get(fields.get(by, kind.created))), reverse=filters.get("SortOrder") == "Descending")
    output = MODEL.operation_model(f"List{kind.plural}").output_shape
    result_key = next(name for name, shape in output.members.items() if shape.type_name == "list")
    return ActionResult({result_key: records})


OPERATIONS = {
    "Create": create,
    "Describe": describe,
    "Update": update,
    "List": listed,
    "Delete": delete,
    "Start": start,
    "Stop": stop,
}


def register(*kinds: Kind) -> None:
    """Give SageMaker the operations of these kinds, in place of moto's."""
    for kind in kinds:
        KINDS.append(kind)
        for verb, operation in OPERATIONS.items():
            name = f"{verb}{kind.plural if verb == 'List' else kind.noun}"
            if verb in kind.only and name in MODEL.operation_names:
                method = (lambda operation, kind: lambda self: operation(kind, self))(operation, kind)
                method.__name__ = camelcase_to_underscores(name)
                adds(SageMakerResponse)(method)


def all_records(backend: SageMakerModelBackend):
    for table in list(backend.__dict__.get("records", {}).values()):
        yield from list(table.values())


@wraps(SageMakerModelBackend)
def _get_resource_from_arn(original, self, arn):
    """Tags of records too; an ARN of nothing is an error, as for AWS."""
    for record in all_records(self):
        if record.arn == arn:
            return record
    try:
        resource = original(self, arn)
    except (AttributeError, ValueError):
        resource = None
    if resource is None:
        raise AwsError("ValidationException", f"Could not find a resource with ARN {arn}")
    return resource


@adds(SageMakerModelBackend)
def add_tags(self, arn, tags):
    """A tag replaces the one of the same key; moto keeps both."""
    resource = self._get_resource_from_arn(arn)
    merged = {tag["Key"]: tag["Value"] for tag in [*(resource.tags or []), *tags]}
    if len(merged) > TAGS_PER_RESOURCE:
        raise AwsError("ValidationException", f"A resource can have at most {TAGS_PER_RESOURCE} tags.")
    resource.tags = [{"Key": key, "Value": value} for key, value in merged.items()]
    return resource.tags


@adds(SageMakerResponse)
def list_tags(self):
    return ActionResult({"Tags": list(self.sagemaker_backend._get_resource_from_arn(self._get_param("ResourceArn")).tags or [])})


@wraps(SageMakerModelBackend)
def iter_tagged_resources(original, self):
    for record in all_records(self):
        kind = record.arn.split(":", 5)[5].partition("/")[0]
        yield TaggedResource(
            arn=record.arn,
            tags={tag["Key"]: tag["Value"] for tag in record.tags},
            resource_type=f"sagemaker:{kind}",
        )
    yield from original(self)
