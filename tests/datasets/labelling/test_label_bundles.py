"""A harvest bundle as a source of the label queue."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import pytest

from calibration import (
    HarvestedBay,
    HarvestedFrame,
    HarvestManifest,
    HarvestReason,
    Obscured,
    write_bundle,
)
from datasets.labelling.sources import read_sources
from telemetry.messages import ModelRef
from telemetry.words import UnknownReason
from vision.simulator import render_sample

from datetime import UTC, datetime  # isort: skip

NOW = datetime(2026, 11, 24, 22, tzinfo=UTC)


@pytest.mark.parametrize("name", ["north.tar.gz", "north"])
def test_frames_of_a_bundle_are_asked_about(tmp_path: Path, name: str) -> None:
    image, quads, _ = render_sample(2, (320, 180))
    content = cv2.imencode(".jpg", image)[1].tobytes()
    model = ModelRef(name="rendered", version="1", sha256="0" * 64)
    bays = tuple(
        HarvestedBay(
            id=f"b{i}",
            polygon_norm=tuple((float(x), float(y)) for x, y in quad.clip(0, 1)),
            prob=0.5,
            occ=None,
            reason=UnknownReason.UNSURE,
        )
        for i, quad in enumerate(quads)
    )
    frame = HarvestedFrame(
        file="frames/north-1.jpg",
        sha256=hashlib.sha256(content).hexdigest(),
        camera="north",
        captured_utc=NOW,
        image_wh=(320, 180),
        revision=1,
        model=model,
        bays=bays,
        reasons=(HarvestReason.UNCERTAIN, HarvestReason.SAMPLED),
        score=0.9,
        privacy=Obscured(masks=0, outside=False, vehicles=0, moving=0, share=0.0),
    )
    manifest = HarvestManifest(
        site="mall", edge="box-1", made_utc=NOW, software="lotsight 1", model=model, frames=(frame,)
    )
    write_bundle(tmp_path / name, manifest, lambda _: content)
    (found,) = read_sources([str(tmp_path / name)], None, None)
    assert found.source == "mall/box-1"
    assert found.camera.endswith("north")
    assert found.edge_value == 0.9
    assert found.reasons == ("uncertain", "sampled")
    assert found.labels == (None,) * len(bays)
    assert found.read().shape == (180, 320, 3)
    assert all((a == b).all() for a, b in zip(found.polygons_norm, quads.clip(0, 1), strict=True))
