"""A person's answer is used for the bay from the next image on, and kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration import calibration_from_data
from calibration.types import Calibration
from edge_app.alarms import AlarmKind
from edge_app.delivery import OutboxConfig, Store
from edge_app.eye_checks import EyeChecks, eye_alarm
from telemetry import ManualClock, UnknownReason
from vision.types import BayEvidence, as_floats

NETWORK, OTHER = "ab" * 32, "cd" * 32


def lot(*, wide: float = 0.2) -> Calibration:
    bays = [
        {"id": f"b{i}", "polygon": [[x, 0.2], [x + wide, 0.2], [x + wide, 0.6], [x, 0.6]]}
        for i, x in enumerate((0.1, 0.4, 0.7))
    ]
    data = {"camera": "gate", "image_wh": [640, 480], "bays": bays}
    return calibration_from_data(data, "test")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store.db", ManualClock(), OutboxConfig())
    yield opened
    opened.close()


def frame(prob: float, *, contradicted: bool = True) -> BayEvidence:
    """Of the three bays the middle one is in doubt."""
    return BayEvidence(
        as_floats([0.02, prob, 0.98]),
        np.ones(3, np.float32),
        contradicted=np.array([False, contradicted, False]),
    )


def watched(eye: EyeChecks, prob: float = 0.3) -> BayEvidence:
    """A quarter of an hour of contradiction."""
    for step in range(31):
        found = eye.settle(frame(prob), 30.0 * step)
    return found


def checks(store: Store, calibration: Calibration, model: str = NETWORK) -> EyeChecks:
    eye = EyeChecks("gate", store.documents)
    eye.use(calibration, model)
    return eye


def test_the_answer_ends_the_question_and_is_used_from_then_on(store: Store) -> None:
    eye = checks(store, lot())
    assert watched(eye).unseen == {1: UnknownReason.UNSURE}
    assert eye.wanted() == ("b1",)
    eye.confirm("b1", occ=True)
    assert eye.wanted() == ()
    found = eye.settle(frame(0.3), 1000.0)
    assert not found.unseen
    assert found.prob[1] > 0.5
    assert found.prob[[0, 2]].tolist() == as_floats([0.02, 0.98]).tolist()
    empty = eye.settle(frame(0.02, contradicted=False), 1010.0)
    assert empty.prob[1] < 0.3, "an empty bay is not argued full"


def test_answers_outlive_a_restart_and_go_with_outline_or_network(store: Store) -> None:
    eye = checks(store, lot())
    eye.settle(frame(0.3), 0.0)
    eye.confirm("b1", occ=True)
    assert checks(store, lot()).settle(frame(0.3), 0.0).prob[1] > 0.5
    assert checks(store, lot(wide=0.25)).settle(frame(0.3), 0.0).prob[1] < 0.5
    assert checks(store, lot()).settle(frame(0.3), 0.0).prob[1] < 0.5, "gone for good"
    eye = checks(store, lot())
    eye.settle(frame(0.3), 0.0)
    eye.confirm("b1", occ=True)
    eye.use(lot(), None)  # no network for a while
    eye.use(lot(), NETWORK)
    assert eye.settle(frame(0.3), 0.0).prob[1] > 0.5
    eye.use(lot(), OTHER)
    assert eye.settle(frame(0.3), 0.0).prob[1] < 0.5


def test_only_the_newest_answers_count_and_nonsense_is_dropped(store: Store) -> None:
    eye = checks(store, lot())
    eye.confirm("b1", occ=True)
    assert eye.settle(frame(0.3), 0.0).prob[1] < 0.5, "no image was judged yet"
    eye.confirm("elsewhere", occ=True)
    for _ in range(3):
        eye.confirm("b1", occ=True)
    for _ in range(5):
        eye.confirm("b1", occ=False)
    assert eye.settle(frame(0.3), 1.0).prob[1] < 0.3
    body = store.documents.get("answers/gate")
    assert body is not None
    assert body.count("false") == 5


def test_a_damaged_document_asks_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.documents.put("answers/gate", '{"bays": {"b1": 7}}')
    eye = checks(store, lot())
    assert "answers are asked for again" in caplog.text
    assert watched(eye).unseen


def test_the_alarm_names_the_bays() -> None:
    assert eye_alarm("gate", ()) is None
    alarm = eye_alarm("gate", ("b1", "b7"))
    assert alarm is not None
    assert (alarm.kind, alarm.text) == (
        AlarmKind.EYE, "camera gate: judge these 2 bays by eye: b1, b7",
    )  # fmt: skip
    many = eye_alarm("gate", tuple(f"b{i}" for i in range(40)))
    assert many is not None
    assert many.text.endswith("b7, ...")


def test_networks_whose_evidence_cannot_contradict_itself(store: Store) -> None:
    eye = checks(store, lot())
    plain = replace(frame(0.3), contradicted=None)
    for step in range(40):
        assert eye.settle(plain, 30.0 * step) is plain
    assert eye.wanted() == ()
