"""What happens by itself some time after a call: pending becomes available.

Nothing runs in the background. Due changes are made before the next call is
carried out, which no client can tell from their having been made in time.
"""

import heapq
import itertools
import time
from collections.abc import Callable

_due: list[tuple[float, int, Callable[[], None]]] = []
_order = itertools.count()


def after(seconds: float, change: Callable[[], None]) -> None:
    """Make the change before the first call that comes so many seconds from now."""
    heapq.heappush(_due, (time.monotonic() + seconds, next(_order), change))


def catch_up() -> None:
    """Make every change that is due, in order."""
    while _due and _due[0][0] <= time.monotonic():
        heapq.heappop(_due)[2]()


def forget() -> None:
    """Drop what is still to come, with the state it would change."""
    _due.clear()
