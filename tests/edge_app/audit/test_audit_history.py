"""What the audit counted outlives a restart; what a crash or a bad disk leaves costs no more."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_app.audit.auditor import MOST_LOOKS
from edge_app.audit.estimate import LookTally
from edge_app.audit.history import AuditHistory, AuditHistoryFile, CountedObservation
from tests.edge_app.audit.bench import SPEC, Bench

START = datetime(2026, 11, 24, 6, tzinfo=UTC)


def counted(number: int, camera: str = "north") -> CountedObservation:
    return CountedObservation(camera, START + timedelta(minutes=number), LookTally(18, 17, 18, 0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def written(path: Path) -> Path:
    """A file of ten looks, as it stands after some were appended."""
    file = AuditHistoryFile(path)
    for number in range(10):
        file.add("f" * 64, counted(number), lambda: [counted(0)])
    return path


def test_what_was_added_is_read(written: Path) -> None:
    kept = AuditHistoryFile(written).read()
    assert kept == AuditHistory("f" * 64, tuple(counted(number) for number in range(10)))
    assert written.stat().st_mode & 0o777 == 0o600


def test_no_file_is_nothing_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert AuditHistoryFile(path).read() == AuditHistory()
    path.touch()
    assert AuditHistoryFile(path).read() == AuditHistory()
    assert caplog.text == ""


@pytest.mark.parametrize("cut", [1, 20, 40])
def test_half_a_line_at_the_end_is_passed_over(
    written: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    written.write_bytes(written.read_bytes()[:-cut])
    kept = AuditHistoryFile(written).read()
    whole = 10 if cut == 1 else 9  # a line without its end is a line nevertheless
    assert kept.looks == tuple(counted(number) for number in range(whole))
    assert caplog.text == ""
    AuditHistoryFile(written).add(kept.model, counted(50), lambda: [*kept.looks, counted(50)])
    assert AuditHistoryFile(written).read().looks == (*kept.looks, counted(50))


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 500,
        b"no json\n",
        b'{"version": 2, "model": "f"}\n',
        b'["north", "2026-11-24T06:00:00+00:00", 18, 17, 18, 0]\n',
    ],
)
def test_a_damaged_head_is_said_and_all_begins_anew(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(content)
    file = AuditHistoryFile(path)
    assert file.read() == AuditHistory()
    assert "expected audit history version 1" in caplog.text
    file.add("f" * 64, counted(1), lambda: [counted(1)])
    assert AuditHistoryFile(path).read().looks == (counted(1),)


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 40 + b"\n",
        b'["north", "2026-11-24T06:00:00", 18, 17, 18, 0]\n',
        b'["north", "2026-11-24T06:00:00+00:00", 18, 19, 18, 0]\n',
        b'["north", "2026-11-24T06:00:00+00:00", 18]\n',
    ],
)
def test_a_damaged_line_is_said_and_what_stands_before_it_counts(
    written: Path, line: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    lines = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join([*lines[:4], line, *lines[5:]]))
    assert AuditHistoryFile(written).read().looks == tuple(counted(number) for number in range(3))
    assert "line 5: expected an audit record" in caplog.text


def test_the_file_does_not_grow_for_ever(path: Path) -> None:
    file = AuditHistoryFile(path)
    recent = deque([counted(0)], maxlen=20)
    sizes = set()
    for number in range(1, 5_000):
        recent.append(counted(number))
        file.add("f" * 64, recent[-1], lambda: list(recent))
        sizes.add(path.stat().st_size)
    assert max(sizes) < 80_000, "a thousand lines more than what counts"
    assert AuditHistoryFile(path).read().looks[-1] == counted(4_999)


def test_a_file_that_went_or_a_disk_that_fails_is_made_up_for(
    written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file, looks = AuditHistoryFile(written), [counted(0), counted(1)]
    file.add("f" * 64, counted(0), lambda: looks[:1])
    written.unlink()
    written.mkdir()
    file.add("f" * 64, counted(1), lambda: looks)
    assert "cannot write audit history" in caplog.text
    written.rmdir()
    file.add("f" * 64, counted(2), lambda: [*looks, counted(2)])
    assert AuditHistoryFile(written).read().looks == (*looks, counted(2))


def test_an_audit_goes_on_where_it_ended(path: Path) -> None:
    bench = Bench(path)
    bench.watch(2000)
    found, since = bench.auditor.estimate("north"), bench.auditor.since("north")
    assert found is not None
    bench.restart()
    assert bench.auditor.estimate("north") == found
    assert bench.auditor.since("north") == since
    bench.watch(1000)
    later = bench.auditor.estimate("north")
    assert later is not None
    assert later.looks > found.looks
    assert later.low > found.low, "the interval goes on to narrow"
    bench.restart()
    assert bench.auditor.estimate("north") == later


def test_looks_grow_old_while_the_box_is_off(path: Path) -> None:
    bench = Bench(path, window_s=3000.0)
    bench.watch(2000)
    bench.clock.advance(1500)
    bench.restart()
    some = bench.auditor.estimate("north")
    assert some is not None
    assert 0 < some.looks < 15
    bench.clock.advance(2000)
    assert bench.auditor.estimate("north") is None, "also while nothing is seen"
    bench.restart()
    assert bench.auditor.estimate("north") is None


def test_a_clock_that_went_back_makes_no_look_younger_than_now(path: Path) -> None:
    Bench(path, window_s=3000.0).watch(1000)
    bench = Bench(path, window_s=3000.0)  # its clock begins before the looks were taken
    assert bench.auditor.estimate("north") is not None
    bench.clock.advance(3001)
    assert bench.auditor.estimate("north") is None


def test_another_network_begins_anew_over_a_restart_too(path: Path) -> None:
    Bench(path).watch(1000)
    bench = Bench(path, sha256="1" * 64)
    assert bench.auditor.estimate("north") is None
    bench.watch(1000)
    kept = AuditHistoryFile(path).read()
    assert kept.model == "1" * 64
    found = bench.auditor.estimate("north")
    assert found is not None
    assert len(kept.looks) == found.looks


def test_an_alarm_stands_again_after_a_restart(path: Path) -> None:
    bench = Bench(path)
    bench.states = tuple(replace(state, occ=not state.occ) for state in bench.states)
    bench.watch(1500)
    [alarm] = bench.alarms.standing()
    bench.restart()
    assert bench.alarms.standing() == (alarm,)


def test_a_camera_has_a_bounded_number_of_looks(path: Path) -> None:
    file = AuditHistoryFile(path)
    looks = [counted(0)] * (MOST_LOOKS + 500)
    file.add(SPEC.sha256, counted(0), lambda: looks)
    bench = Bench(path)
    found = bench.auditor.estimate("north")
    assert found is not None
    assert found.looks == MOST_LOOKS
