"""Alarms: told once, in order, and each in the manual."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge_app.alarms import Alarm, AlarmKind, Alarms, by_importance


def test_alarms_are_told_once_and_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    alarms = Alarms()
    lost = Alarm(AlarmKind.CAMERA, "camera b: lost", "no answer", "Observation.", "b")
    assert [
        each.fault
        for each in by_importance(
            replace(lost, fault=word, camera=camera) for camera in "ab" for word in ("lost", "dark")
        )
    ] == ["dark", "dark", "lost", "lost"]
    for detail in ("no answer", "refused", "refused"):
        alarms.set(replace(lost, detail=detail))
    alarms.set(replace(lost, text="camera a: dark", camera="a"))
    assert [each.camera for each in alarms.standing()] == ["a", "b"]
    alarms.set(Alarm(AlarmKind.DISK, "the disk is full"))
    assert [each.line for each in alarms.standing()] == [
        "the disk is full", "camera a: dark: no answer", "camera b: lost: refused",
    ]  # fmt: skip
    for _ in range(2):
        alarms.clear(AlarmKind.CAMERA, "b")
    alarms.set(replace(lost, text="camera a: blind", camera="a"))
    assert [each.name for each in alarms.standing()] == ["disk", "camera-a"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "alarm camera-b: camera b: lost: no answer"),
        ("ERROR", "alarm camera-a: camera a: dark: no answer"),
        ("ERROR", "alarm disk: the disk is full"),
        ("INFO", "alarm camera-b cleared"),
        ("ERROR", "alarm camera-a: camera a: blind: no answer"),
    ]


def test_every_alarm_has_its_line_in_the_manual() -> None:
    manual = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z_]+)(?:-ID)?`", manual, re.MULTILINE)
    assert [AlarmKind(name) for name in dict.fromkeys(listed)] == list(AlarmKind)
