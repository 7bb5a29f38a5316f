"""Who decodes what: a few threads for all cameras, and no picture before it is wanted.

A hundred readers that decode at once leave the judge a hundredth of the processor. Here as many
threads as there are cores decode, only for the cameras that are judged next, most overdue first;
what waits longer is replaced by a newer picture before it cost anything.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Protocol

from edge_app.sources.niceness import step_back

_log = logging.getLogger(__name__)

# Wakes a thread that missed a call, which cannot happen, and lets it see the end.
_WAIT_S = 1.0


class Decodable(Protocol):
    """What has a picture to decode; `CameraFeed` is one."""

    @property
    def camera(self) -> str:
        """The camera's id."""
        ...

    def has_undecoded(self) -> bool:
        """Whether a picture waits to be decoded."""
        ...

    def has_frame(self) -> bool:
        """Whether a decoded one waits to be judged."""
        ...

    def decode(self) -> bool:
        """Decode it; whether there is a new frame now."""
        ...


class DecoderPool:
    """Threads that decode.

    Args:
        next_up: the cameras with a picture that are judged next, most urgent first, at most the
            given number of them, decoded or not.
        threads: how many; by default one for each core.
    """

    def __init__(
        self, next_up: Callable[[int], list[Decodable]], threads: int | None = None
    ) -> None:
        self._next_up = next_up
        self._count = threads or os.cpu_count() or 1
        # One more than are worked on, so that the judge finds the next frame ready.
        self._ahead = self._count + 1
        self._wake = threading.Condition()
        self._busy: set[str] = set()
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        for number in range(self._count):
            thread = threading.Thread(target=self._run, name=f"decode-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """End the threads after the pictures in hand."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)

    def notify(self) -> None:
        """Say that a picture came, or that the judge took a frame."""
        with self._wake:
            self._wake.notify()

    def step(self) -> bool:
        """Decode the most urgent picture that nobody works on; False if there is none."""
        with self._wake:
            chosen = self._choose()
        if chosen is None:
            return False
        self._decode(chosen)
        return True

    def _choose(self) -> Decodable | None:
        for each in self._next_up(self._ahead):
            is_wanted = each.has_undecoded() and not each.has_frame()
            if is_wanted and each.camera not in self._busy:
                self._busy.add(each.camera)
                return each
        return None

    def _decode(self, chosen: Decodable) -> None:
        try:
            chosen.decode()
        except Exception:  # one camera's fault, even one of ours, must not stop the others
            _log.exception("camera %s: unexpected fault while decoding", chosen.camera)
        finally:
            with self._wake:
                self._busy.discard(chosen.camera)

    def _run(self) -> None:
        step_back()
        while True:
            with self._wake:
                chosen = self._choose()
                while chosen is None and not self._stopping:
                    self._wake.wait(_WAIT_S)
                    chosen = self._choose()
                if self._stopping:
                    return
            assert chosen is not None  # noqa: S101 - the loop above ended
            self._decode(chosen)
