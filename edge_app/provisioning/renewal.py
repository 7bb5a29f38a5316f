"""The next certificate in time, while the service runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from edge_app.delivery import LinkInfo
from edge_app.delivery.errors import LinkError
from edge_app.provisioning.enrolment import clock_text, cloud_of, renew
from edge_app.provisioning.errors import ProvisioningRefused
from edge_app.provisioning.identity import IdentityFolder
from telemetry import Clock, LotsightError
from telemetry.provisioning import Home

_log = logging.getLogger(__name__)

CHECK_S = 3600.0
"""Between two looks at the certificate, and after a failure."""
PROVE_S = 600.0
"""A new certificate that has not connected for so long is given up; a broker is back by then."""
_AFTER_GOING_BACK = 6
_LOOK_S = 1.0
LEFT = 1 / 3
"""Renewed when so much of its life is left: of 180 days the last 60, for a cloud that is away."""


@dataclass(slots=True)
class Renewal:
    """A part of the service: it looks, renews, and goes back if the new certificate fails.

    Attributes:
        folder: of the identity.
        link: how the link to the broker does.
        clock: time.
        trouble: raises an alarm with this text, or clears it (None).
        check_s: between two looks.
        prove_s: so long may the new certificate take to connect.
    """

    folder: IdentityFolder
    link: Callable[[], LinkInfo]
    clock: Clock
    trouble: Callable[[str | None], None]
    check_s: float = CHECK_S
    prove_s: float = PROVE_S
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _connects: int = 0
    _since_s: float | None = None
    _next_s: float = 0.0

    def start(self) -> None:
        """Begin, in a thread: the cloud may take its time to answer."""
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a request under way is left behind."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_S):
            try:
                self.look()
            except LotsightError as exc:
                self.trouble(str(exc))
            except Exception as exc:
                _log.exception("renewal: unexpected fault")
                self.trouble(f"{type(exc).__name__}: {exc}")

    def look(self) -> None:
        """Do what is due.

        Raises:
            LotsightError: it failed; the present certificate stays in use.
        """
        if self.folder.old_file.exists():
            self._prove()
            return
        self._since_s, now_s = None, self.clock.mono_s()
        if now_s < self._next_s:
            return
        self._next_s = now_s + self.check_s
        home = self.folder.home()
        self._connects = self.link().connects
        if home is not None and self._is_due():
            self._renew(home)

    def _is_due(self) -> bool:
        found = self.folder.validity()
        return self.clock.utc() >= found.ends - LEFT * (found.ends - found.starts)

    def _renew(self, home: Home) -> None:
        cloud = cloud_of(self.folder, home)
        try:
            there = renew(cloud, self.folder)
        except ProvisioningRefused as exc:
            msg = f"the cloud refuses a new certificate: {exc}"
            raise ProvisioningRefused(msg, exc.why) from exc
        except LinkError as exc:
            msg = f"no new certificate: {exc}"
            raise LinkError(msg) from exc
        finally:
            off = cloud.clock_off
            cloud.close()
        _log.info("new certificate, until %s", self.folder.validity().ends.date())
        if (there.host, there.port, there.site) != (home.host, home.port, home.site):
            _log.warning("the box belongs to another broker or site now: restart the service")
        self.trouble(clock_text(off) if off is not None and abs(off) > timedelta(hours=1) else None)

    def _prove(self) -> None:
        """See whether the link has come back with the new certificate."""
        now_s, info = self.clock.mono_s(), self.link()
        if self._since_s is None:
            self._since_s = now_s
        if info.connected and info.connects > self._connects:
            self.folder.proven()
            _log.info("connected with the new certificate")
        elif now_s - self._since_s >= self.prove_s:
            self.folder.go_back()
            self._since_s = None
            self.trouble(
                f"the new certificate did not connect within {self.prove_s:.0f} s "
                f"({info.last_error or 'no connection'}): back to the one before"
            )
            # Perhaps the broker is away: there is no hurry, and each try costs a certificate.
            self._next_s = now_s + _AFTER_GOING_BACK * self.check_s
