"""Notifications to systemd (`Type=notify`): ready, alive, what is wrong, stopping.

The protocol is one datagram to a Unix socket that the environment names; without it nothing is
sent. "Alive" comes from the thread that judges, on request of the maintenance thread: when either
of the two hangs, systemd hears nothing any more and restarts the service.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping

from telemetry import Clock

_log = logging.getLogger(__name__)

# Said several times within the time that systemd waits, so that one late word is no end.
_WORDS_PER_TIMEOUT = 4
_LONGEST_STATUS = 400


class ServiceManager:
    """The manager that started this process, if it wants notifications.

    Args:
        environ: the environment, where systemd puts the socket's address.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        timeout_us = environ.get("WATCHDOG_USEC", "")
        for_us = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s: float | None = None
        """How long it waits for a word before it kills; None when it does not watch."""
        self._status = ""
        if self._address and for_us and timeout_us.isdecimal() and int(timeout_us) > 0:
            self.watchdog_s = int(timeout_us) / 1e6

    def ready(self) -> None:
        """The service has started."""
        self._tell("READY=1")

    def alive(self) -> None:
        """The service works."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The service ends."""
        self._tell("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; sent when it is another than before."""
        line = " ".join(text.split())[:_LONGEST_STATUS]
        if line != self._status:
            self._status = line
            self._tell(f"STATUS={line}")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        # "@" stands for the zero byte of an abstract address.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                # A manager that does not read must not hold up the judge.
                to.setblocking(False)
                to.sendto(message.encode(), address)
        except OSError as exc:
            _log.debug("cannot notify %s of %s: %s", message, self._address, exc)


class Watchdog:
    """Has the judging thread say that it is alive.

    Args:
        manager: receives the notifications.
        post: hands a task to the thread that judges.
        clock: time.
    """

    def __init__(
        self, manager: ServiceManager, post: Callable[[Callable[[], None]], None], clock: Clock
    ) -> None:
        self._manager = manager
        self._post = post
        self._clock = clock
        self._asked_s: float | None = None
        self._is_asked = False

    def look(self) -> None:
        """Ask, if it is time and the last question was answered."""
        if self._manager.watchdog_s is None or self._is_asked:
            return
        now_s = self._clock.mono_s()
        if self._asked_s is None or now_s - self._asked_s >= (
            self._manager.watchdog_s / _WORDS_PER_TIMEOUT
        ):
            self._asked_s = now_s
            self._is_asked = True
            self._post(self._answer)

    def _answer(self) -> None:
        self._is_asked = False
        self._manager.alive()
