"""What can be had of a box for diagnostics, whether its service runs, hangs, or never started."""

from __future__ import annotations

import os
import subprocess  # nosec B404
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_app.config import LotsightConfig
from edge_app.diagnostics.bundle import LIVE_PARTS, About, LiveFacts
from edge_app.diagnostics.service_client import UnavailableError, ask_service
from edge_app.diagnostics.store_reader import StoreFacts, read_store
from edge_app.liveness import ALIVE_FILE, LivenessFile
from edge_app.logs import LINES_KEPT
from telemetry import Clock

UNIT = "lotsight"
_JOURNAL_TIMEOUT_S = 20.0
_LONGEST_LINE_BYTES = 1024


@dataclass(frozen=True, slots=True)
class OfflineFacts:
    """What was had, and what not.

    Attributes:
        about: in words, for the reader of the bundle.
        stored: what the store says.
        live: what the service reports; None: it is not running, or not responding.
        log: last lines of a log file or the journal, where the service did not give its own.
    """

    about: About
    stored: StoreFacts
    live: LiveFacts | None
    log: Sequence[str] = ()


def gather(config: LotsightConfig, clock: Clock, log_file: Path | None = None) -> OfflineFacts:
    """Take what can be had.

    Args:
        config: of the box.
        clock: wall time, for the age of the last sign of life.
        log_file: where the service's log was written to; None: systemd's journal is asked.
    """
    stored = read_store(config.edge.state_dir)
    live, missing = None, {}
    if stored.in_use:
        try:
            live = ask_service(config.http)
        except UnavailableError as exc:
            missing = dict.fromkeys(LIVE_PARTS, str(exc))
            missing["states.json"] = f"{exc}; and the store is locked while the service runs"
    else:
        missing = dict.fromkeys(LIVE_PARTS, "the service is not running")
        if stored.states is None:
            missing["states.json"] = str(stored.facts.get("fault"))
    log: Sequence[str] = ()
    if live is None:
        try:
            log = journal_lines() if log_file is None else last_lines(log_file)
        except UnavailableError as exc:
            missing["log.txt"] = str(exc)
    about = About(
        service="runs" if stored.in_use else "does not run",
        sign_of_life_s=LivenessFile(config.edge.state_dir / ALIVE_FILE, clock).age_s(),
        missing=missing,
    )
    return OfflineFacts(about, stored, live, log)


def last_lines(path: Path, count: int = LINES_KEPT) -> list[str]:
    """The last lines of a log file, however large it is.

    Raises:
        UnavailableError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(size - count * _LONGEST_LINE_BYTES, 0)
            file.seek(begin)
            lines = file.read(size - begin).decode(errors="replace").splitlines()
    except OSError as exc:
        msg = f"{path}: cannot read this log file: {exc.strerror}"
        raise UnavailableError(msg) from exc
    # The first one may be the end of a line; what is missing of it may be what made it harmless.
    return lines[1 if begin else 0 :][-count:]


def journal_lines(count: int = LINES_KEPT) -> list[str]:
    """The last lines of the service in systemd's journal.

    Raises:
        UnavailableError: there is no journal, or it has none, or it is not for this user's eyes.
    """
    command = ["journalctl", "--unit", UNIT, "--lines", str(count), "--no-pager", "--output", "cat"]
    try:
        told = subprocess.run(  # noqa: S603 - no word of it comes from outside  # nosec B603
            command, capture_output=True, timeout=_JOURNAL_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        why = "it timed out" if isinstance(exc, subprocess.TimeoutExpired) else exc.strerror
        msg = f"no log: journalctl: {why}; pass a file with --log"
        raise UnavailableError(msg) from exc
    lines = [line for line in told.stdout.decode(errors="replace").splitlines() if line]
    if told.returncode or not [line for line in lines if not line.startswith("-- ")]:
        said = told.stderr.decode(errors="replace").strip().splitlines()
        text = said[-1] if said else f"no lines of the unit {UNIT}"
        msg = f"no log: journalctl: {text}; pass a file with --log"
        raise UnavailableError(msg)
    return lines
