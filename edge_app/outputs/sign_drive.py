"""The thread that keeps one sign up to date."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from edge_app.alarms import Alarm, AlarmKind, Alarms
from edge_app.config import SignConfig
from edge_app.field_io import FieldError
from edge_app.outputs.drivers import SignWriter
from edge_app.outputs.report import SignReport
from edge_app.outputs.sign import LotFigures, SignFace, face_of
from edge_app.redaction import mask_secrets
from telemetry import Clock

_log = logging.getLogger(__name__)

_RETRY_FIRST_S, _RETRY_LONGEST_S = 0.25, 30.0
_ALARM_AFTER = 4
"""Failures in a row, some 2 s: a broker needs as long to come up with the box."""
_JOIN_S = 3.0


class SignDrive:
    """Shows the figures of a lot when they change, and now and then in any case.

    Args:
        config: of the sign.
        writer: shows a face.
        figures: gives the figures now.
        alarms: where a sign that does not answer is told.
        clock: time.
    """

    def __init__(
        self,
        config: SignConfig,
        writer: SignWriter,
        figures: Callable[[SignConfig], LotFigures],
        alarms: Alarms,
        clock: Clock,
    ) -> None:
        self.config = config
        self._writer = writer
        self._figures = figures
        self._alarms = alarms
        self._clock = clock
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._shown: SignFace | None = None
        self._at: datetime | None = None
        self._fault: str | None = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"sign-{config.id}", daemon=True)

    def changed(self) -> None:
        """The figures may be others; returns at once, from any thread."""
        self._wake.set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the sign keeps what it shows."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(_JOIN_S)
        self._writer.close()

    def report(self) -> SignReport:
        """For the pages."""
        shown = self._shown
        text, free = (None, None) if shown is None else (shown.text, shown.free)
        return SignReport(self.config.id, text, free, self._at, self._fault)

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        sent_s: float | None = None
        while not self._stopped.is_set():
            self._wake.clear()
            face = face_of(self.config, self._figures(self.config))
            now_s = self._clock.mono_s()
            is_due = sent_s is None or now_s - sent_s >= self.config.refresh_s
            if is_due or face != self._shown or self._fault is not None:
                sent_s = now_s
                self._show(face)
            if self._fault is not None:
                # A change does not make it answer any sooner.
                pause_s = min(_RETRY_FIRST_S * 2.0 ** min(self._failures - 1, 16), _RETRY_LONGEST_S)
                self._stopped.wait(pause_s)
            elif not self._stopped.wait(self.config.min_interval_s):
                self._wake.wait(self.config.refresh_s)

    def _show(self, face: SignFace) -> None:
        try:
            self._writer.show(face)
        except FieldError as exc:
            self._failed(str(exc))
        except Exception as exc:  # the sign must be told again, whatever a library did
            _log.exception("sign %s: unexpected fault", self.config.id)
            self._failed(f"{type(exc).__name__}: {exc}")
        else:
            if face != self._shown:
                _log.info("sign %s: %s", self.config.id, face.text)
            self._shown, self._at = face, self._clock.utc()
            self._fault, self._failures = None, 0
            self._alarms.clear(AlarmKind.SIGN, self.config.id)

    def _failed(self, fault: str) -> None:
        self._fault = mask_secrets(fault)
        self._failures += 1
        if self._failures < _ALARM_AFTER:
            return
        self._alarms.set(
            Alarm(
                AlarmKind.SIGN,
                f"sign {self.config.id}: cannot be told what to show",
                self._fault,
                "Check its power, its cable and its address; it may show an old number meanwhile. "
                "It is tried again by itself.",
                device=self.config.id,
            )
        )
