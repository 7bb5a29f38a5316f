"""Work by key in a few threads, of one key only one piece at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from cloud_app.errors import CloudError

_log = logging.getLogger(__name__)

# Receivers that are slow hold up others only when there are so many of them.
_THREADS = 8

K = TypeVar("K", bound=Hashable)


class OneAtATime(Generic[K]):
    """Starts the work of keys; a key whose work is still under way is left for the next time.

    Work that fails is logged and never ends a thread.

    Args:
        name: of the threads.
        work: done for a key.
        describe: a key in words, for the log.
    """

    def __init__(self, name: str, work: Callable[[K], None], describe: Callable[[K], str]) -> None:
        self._work = work
        self._describe = describe
        self._pool = ThreadPoolExecutor(_THREADS, name)
        self._lock = threading.Lock()
        self._busy: set[K] = set()

    def start(self, keys: Iterable[K]) -> None:
        """Start the work of keys; it is not waited for."""
        for key in keys:
            with self._lock:
                if key in self._busy:
                    continue
                self._busy.add(key)
            self._pool.submit(self._safely, key).add_done_callback(self._back(key))

    def close(self) -> None:
        """Wait for what is under way; what was not begun is left to the next leader."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _back(self, key: K) -> Callable[[Future[None]], None]:
        def back(_done: Future[None]) -> None:
            with self._lock:
                self._busy.discard(key)

        return back

    def _safely(self, key: K) -> None:
        try:
            self._work(key)
        except CloudError as exc:
            _log.warning("%s waits: %s", self._describe(key), exc)
        except Exception:
            _log.exception("%s failed", self._describe(key))
