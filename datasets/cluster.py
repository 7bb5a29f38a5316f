"""Work on a cluster of machines with Dask (extra `cluster`).

Dask sends pieces to its workers, does those of a lost worker again on another, and tells what is
ready. The workers need this checkout and its environment, and images and model files at the same
paths as here, as on a shared disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from datasets.errors import DatasetError
from datasets.jobs import Runner, SequentialRunner
from telemetry.errors import LotsightError

Piece = TypeVar("Piece")
Result = TypeVar("Result")

PIECES_PER_TASK = 4
"""A task costs Dask about a millisecond, a piece tens of milliseconds and more; more pieces in a
task would make progress coarse and a lost worker costly."""
LOST_WORKERS_BORNE = 3
"""A piece that was on so many workers when they died has most likely killed them."""
CONNECT_WITHIN_S = 20.0


class DaskRunner:
    """Does pieces of work on the workers of a Dask cluster.

    Args:
        client: a connected `distributed.Client`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._distributed = _module("distributed")

    def run(
        self, work: Callable[[Piece], Result], pieces: Sequence[Piece]
    ) -> Iterator[tuple[int, Result]]:
        """Do `work` on every piece; see `datasets.jobs.Runner`.

        Raises:
            DatasetError: workers died again and again, or the cluster went away.
            LotsightError: what the work itself raised.
        """
        numbered = list(enumerate(pieces))
        starts = range(0, len(numbered), PIECES_PER_TASK)
        parts = [numbered[start : start + PIECES_PER_TASK] for start in starts]
        futures = self._client.map(_work_on, parts, work=work, pure=False)
        try:
            for _, results in self._distributed.as_completed(futures, with_results=True):
                yield from results
        except LotsightError:
            raise
        except Exception as exc:  # Dask's own errors have no common base
            msg = f"the cluster failed: {type(exc).__name__}: {exc}"
            raise DatasetError(msg) from exc
        finally:
            self._client.cancel(futures)


def _work_on(
    part: list[tuple[int, Piece]], work: Callable[[Piece], Result]
) -> list[tuple[int, Result]]:
    return [(index, work(piece)) for index, piece in part]


@contextmanager
def runner_of(text: str | None) -> Iterator[Runner]:
    """What does the work.

    Args:
        text: None does it here in turn; `local:N` starts N processes on this machine; else the
            address of a Dask scheduler, e.g. `tcp://10.0.0.5:8786`.

    Raises:
        DatasetError: the text is invalid, Dask is not installed, or the scheduler does not respond.
    """
    if text is None:
        yield SequentialRunner()
        return
    dask, distributed = _module("dask"), _module("distributed")
    kind, _, count = text.partition(":")
    with dask.config.set({"distributed.scheduler.allowed-failures": LOST_WORKERS_BORNE}):
        if kind == "local":
            # One thread each: a forward pass has its own threads.
            with (
                distributed.LocalCluster(
                    n_workers=_count(text, count), threads_per_worker=1, dashboard_address=None
                ) as cluster,
                distributed.Client(cluster) as client,
            ):
                yield DaskRunner(client)
            return
        try:
            client = distributed.Client(text, timeout=CONNECT_WITHIN_S)
        except (OSError, ValueError) as exc:
            msg = (
                f"expected `local:N` or the address of a Dask scheduler such as "
                f"tcp://10.0.0.5:8786, but got '{text}': {exc}"
            )
            raise DatasetError(msg) from exc
        with client:
            yield DaskRunner(client)


def threads_each(text: str | None, threads: int) -> int:
    """Threads of one forward pass: on a local cluster the cores are shared between its workers."""
    if threads or text is None or not text.startswith("local:"):
        return threads
    return max(1, (os.cpu_count() or 1) // _count(text, text.partition(":")[2]))


def _module(name: str) -> Any:
    # Imported by name: Dask is an extra, and only partly typed.
    try:
        return import_module(name)
    except ModuleNotFoundError as exc:
        msg = f"a cluster needs the Python module '{exc.name}': install lotsight[cluster]"
        raise DatasetError(msg) from exc


def _count(text: str, count: str) -> int:
    if not (count.isdecimal() and int(count) > 0):
        msg = f"expected `local:N` with N processes, but got '{text}'"
        raise DatasetError(msg)
    return int(count)
