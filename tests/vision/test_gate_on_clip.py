"""The change gate before the real network, on a real clip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calibration.clips import ClipReader
from edge_app.judging import PictureJudge
from edge_app.judging.calibrations import read_bays
from models import default_model, open_detector
from vision import EvidenceFilter
from vision.change_gate import ChangeGate
from vision.types import Frame

START = datetime(2026, 1, 1, tzinfo=UTC)
RATE_HZ = 4


@pytest.mark.data
@pytest.mark.slow
def test_fewer_passes_give_the_same_states(shared_data: Path) -> None:
    """carpark_topview: 69 bays, cars driving, one leaving, people walking."""
    folder = shared_data / "video"
    gate, passes, seen = ChangeGate(), 0, 0
    with ClipReader(folder / "carpark_topview.mp4") as reader:
        bays = read_bays(folder / "carpark_topview.bays.json", reader.image_wh)
        judge = PictureJudge(open_detector(default_model()), bays)
        plain, gated = (EvidenceFilter(bays.bay_ids, start_utc=START) for _ in range(2))
        next_s = 0.0
        for time_s, image in reader.frames():
            if time_s < next_s:
                continue
            next_s = time_s + 1 / RATE_HZ - 0.001
            utc = START + timedelta(seconds=time_s)
            evidence = judge.look(image).evidence
            plain.update(evidence, time_s, utc)
            seen += 1
            frame = Frame("c", image, time_s, utc, seen)
            if gate.wants(frame, bays.polygons_norm(), settling=gated.is_settling()):
                passes += 1
                gated.update(evidence, time_s, utc)
    assert passes < seen
    different = [
        (a.bay, a.occ, b.occ) for a, b in zip(plain.states(), gated.states(), strict=True)
        if a.occ != b.occ
    ]  # fmt: skip
    assert different == [], f"{passes} of {seen} frames judged"
    print(f"{passes} of {seen} frames judged")
