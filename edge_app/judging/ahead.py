"""Work that runs ahead in its own thread, so that decoding, judging and drawing overlap."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_CHECK_S = 0.2


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing in the queue; with what ended it, if that was an error."""

    error: BaseException | None = None


def ahead(items: Iterable[T], size: int = 8) -> Generator[T]:
    """Yield `items`, made in another thread, up to `size` of them in advance.

    An error in making them is raised here, after the items before it. Closing the generator ends
    the thread.
    """
    ready: queue.Queue[T | _End] = queue.Queue(size)
    stop = threading.Event()
    thread = threading.Thread(target=_fill, args=(items, ready, stop), name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        thread.join()


def _fill(items: Iterable[T], ready: queue.Queue[T | _End], stop: threading.Event) -> None:
    try:
        for item in items:
            if not _put(item, ready, stop):
                return
    except BaseException as exc:
        _put(_End(exc), ready, stop)
    else:
        _put(_End(), ready, stop)


def _put(item: T | _End, ready: queue.Queue[T | _End], stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            ready.put(item, timeout=_CHECK_S)
        except queue.Full:
            continue
        return True
    return False
