"""The editor on a running service: saving is applying, without a restart and without new ids."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from calibration import Bay, Calibration, save_calibration
from edge_app.assembly import app_of, assemble, service_of
from edge_app.box import EdgeBox
from edge_app.config import load_config
from tests.kit.waiting import eventually
from tests.kit.web import serving

CONFIG = """
[edge]
site = "north-bank"
edge = "box-1"
state_dir = "state"

[http]
enabled = false

[[camera]]
id = "north"
source = "picture.png"
calibration_file = "north.json"
rate_hz = 20.0
"""


def bay(bay_id: str, left: float) -> Bay:
    return Bay(
        id=bay_id,
        polygon=((left, 0.3), (left + 0.2, 0.3), (left + 0.2, 0.7), (left, 0.7)),
    )


@pytest.fixture
def box(tmp_path: Path) -> Iterator[EdgeBox]:
    # Coarse blocks: an even image would count as a blind camera and not be judged.
    blocks = np.random.default_rng(0).integers(80, 180, (12, 16, 3), dtype=np.uint8)
    picture = cv2.resize(blocks, (320, 240), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    (tmp_path / "box.toml").write_text(CONFIG)
    calibration = Calibration(camera="north", image_wh=(320, 240), bays=(bay("A01", 0.1),))
    save_calibration(tmp_path / "north.json", calibration, author="ina")
    box = assemble(load_config(tmp_path / "box.toml"))
    service = service_of(box)
    service.start()
    yield box
    service.stop()


@contextmanager
def served(app: Any) -> Iterator[httpx.Client]:
    with serving(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.mark.slow
def test_saving_in_the_editor_applies_to_the_running_box(box: EdgeBox) -> None:
    def running() -> Calibration | None:
        view = box.live_state.latest("north")
        return None if view is None or view.frame is None else view.calibration

    eventually(lambda: running() is not None)
    with served(app_of(box)) as client:
        assert "Calibration editor" in client.get("/calibrate", follow_redirects=True).text
        session = client.get("/calibrate/api/_/session").json()
        assert session["live"] is True
        assert session["can_judge"] is True
        assert session["calibration"]["revision"] == 1
        assert client.get("/calibrate/api/north/by-eye").json() == {"bays": []}
        assert client.get("/calibrate/api/north/picture").headers["Content-Type"] == "image/jpeg"
        bays = [bay(i, x).model_dump(mode="json") for i, x in (("A01", 0.12), ("A02", 0.5))]
        answer = client.post(
            "/calibrate/api/north/save",
            json={
                "base_revision": 1,
                "document": {
                    "bays": bays,
                    "lot": session["calibration"]["lot"],
                    "masks": [{"name": "rim", "polygon": [[0, 0], [1, 0], [1, 0.1], [0, 0.1]]}],
                    "areas": [{"name": "lane", "polygon": [[0, 0.8], [1, 0.8], [1, 1], [0, 1]]}],
                },
            },
            headers={"X-Lotsight-Token": session["token"]},
        )
        assert answer.status_code == 200, answer.text

        def applied() -> bool:
            calibration = running()
            view = box.live_state.latest("north")
            assert view is not None
            two = [state.bay for state in view.states] == ["A01", "A02"]
            return calibration is not None and calibration.revision == 2 and two

        eventually(applied)

        def answered(bay_id: str) -> int:
            return client.post(
                "/calibrate/api/north/by-eye",
                json={"bay": bay_id, "occupied": False},
                headers={"X-Lotsight-Token": session["token"]},
            ).status_code

        # Refused (400) until the first image with the new bays is judged.
        eventually(lambda: answered("A01") == 204)
        assert answered("A03") == 404
        calibration = running()
        assert calibration is not None
        assert [area.name for area in calibration.areas] == ["lane"]
        still = client.get("/cameras/north/still.jpg?overlay=false").content
        picture = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture[2:18].max() < 12, "what was masked in the editor is black on the live page"
        assert picture[120:].mean() > 60
