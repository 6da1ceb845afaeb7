"""How a fix gets into moto: methods of its classes are added or wrapped.

moto answers an operation by calling the method of the service's response
class that is named like the operation in snake case, so a missing operation
is one function, and a wrong one a function around the original.
"""

import functools
from collections.abc import Callable
from types import SimpleNamespace

from moto.core.exceptions import ServiceException

#: The command line, for the fixes that depend on it.
settings = SimpleNamespace(
    endpoint_delay=0.2,
    interface_delay=0.2,
    job_delay=2.0,
    notebook_delay=0.2,
    studio_delay=0.2,
    trail_delay=0.2,
)


def adds(*classes: type) -> Callable:
    """Make the function a method of these classes, in place of any of that name."""

    def register(function: Callable) -> Callable:
        for cls in classes:
            setattr(cls, function.__name__, function)
        return function

    return register


def put_around(cls: type, name: str, function: Callable) -> None:
    """Make `function` the method of that name; it gets the original first."""
    original = getattr(cls, name)

    def replacement(*args, **kwargs):
        return function(original, *args, **kwargs)

    setattr(cls, name, functools.wraps(original)(replacement))


def wraps(*classes: type) -> Callable:
    """Put the function around the method of its name; the original comes first."""

    def register(function: Callable) -> Callable:
        for cls in classes:
            put_around(cls, function.__name__, function)
        return function

    return register


class AwsError(ServiceException):
    """An error answer: AWS's code and message, in the protocol of the service.

    The HTTP status is that of the service's model, else 400, unless given.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status
