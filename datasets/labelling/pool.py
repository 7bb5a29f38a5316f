"""The bays that could be asked about: every source of images in one form, judged once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from calibration import Calibration
from datasets.crops import look_of_picture, looks_of
from datasets.errors import DatasetError
from datasets.frames import LotFrame, read_picture
from datasets.labelling.queue import QueuedBay, QueuedFrame
from datasets.labelling.scoring import Signs
from datasets.manifest import sha256_of
from harvest import HarvestBundle
from vision.assignment import OverlapRule
from vision.geometry import to_pixels
from vision.judge import BayShapes, Detector, judge_bays
from vision.types import Floats, ImageBgr, as_floats

ID_CHARACTERS = 12
"""Of the image's hash, in hexadecimal: no two of a million images share them."""


@dataclass(frozen=True, slots=True)
class PoolFrame:
    """An image whose bays may be asked about.

    Attributes:
        path: of the image.
        source: where it came from.
        polygons_norm: M bays, each (K, 2), fractions of the image.
        bay_ids: M names.
        labels: M labels that are there; None where there is none.
        split: of the set; empty where there is none.
        camera: where that is known.
        time_local: where that is known, without zone; of a bundle it is UTC.
        edge_value: how much the box wanted it kept, 0 to 1.
        reasons: why the box kept it.
    """

    path: Path
    source: str
    polygons_norm: tuple[Floats, ...] = field(repr=False)
    bay_ids: tuple[str, ...] = field(repr=False)
    labels: tuple[bool | None, ...] = field(repr=False)
    split: str = ""
    camera: str = ""
    time_local: datetime | None = None
    edge_value: float = 0.0
    reasons: tuple[str, ...] = ()

    def read(self) -> ImageBgr:
        """Decode the image.

        Raises:
            DatasetError: it is missing or no image.
        """
        return read_picture(self.path)


@dataclass(frozen=True, slots=True)
class Judged:
    """A frame of the pool and what the network says of it.

    Attributes:
        frame: the image.
        sha256: of its file.
        image_wh: width and height, pixels.
        prob: of occupied, shape (M,).
        box_prob: of occupied by boxes alone, shape (M,).
        looks: of each bay, shape (M, D).
        look: of the whole image, shape (D,).
    """

    frame: PoolFrame
    sha256: str
    image_wh: tuple[int, int]
    prob: Floats = field(repr=False)
    box_prob: Floats = field(repr=False)
    looks: Floats = field(repr=False)
    look: Floats = field(repr=False)

    @property
    def signs(self) -> Signs:
        """What speaks for asking about its bays."""
        labels = self.frame.labels
        return Signs(
            prob=self.prob,
            box_prob=self.box_prob,
            label=np.array([label is True for label in labels], np.bool),
            has_label=np.array([label is not None for label in labels], np.bool),
            edge=self.frame.edge_value,
        )

    def queued(self, folder: Path) -> QueuedFrame:
        """As the queue in `folder` holds it."""
        frame = self.frame
        rows = zip(
            frame.bay_ids, frame.polygons_norm, self.prob, self.box_prob, frame.labels, strict=True
        )
        return QueuedFrame(
            id=self.sha256[:ID_CHARACTERS],
            picture=os.path.relpath(frame.path.resolve(), folder.resolve()),
            sha256=self.sha256,
            image_wh=self.image_wh,
            source=frame.source,
            split=frame.split,
            camera=frame.camera,
            time_local=frame.time_local,
            reasons=frame.reasons,
            bays=tuple(
                QueuedBay(
                    id=bay,
                    polygon=tuple((float(x), float(y)) for x, y in polygon),
                    prob=_share(prob),
                    box_prob=_share(box_prob),
                    label=label,
                )
                for bay, polygon, prob, box_prob, label in rows
            ),
        )


def from_lot(frame: LotFrame) -> PoolFrame:
    """A labelled image: its labels are looked at again."""
    return PoolFrame(
        path=frame.path,
        source=frame.set_name,
        polygons_norm=frame.polygons_norm,
        bay_ids=frame.bay_ids,
        labels=frame.states,
        split=frame.split,
        camera=frame.camera,
        time_local=frame.time_local,
    )


def from_bundle(bundle: HarvestBundle) -> list[PoolFrame]:
    """Frames that an edge box kept; its bays are where its view guard had moved them.

    The box's own probabilities are not taken: the network being improved judges again.
    """
    made = bundle.manifest
    return [
        PoolFrame(
            path=bundle.path_of(frame),
            source=f"{made.site}/{made.edge}",
            polygons_norm=tuple(as_floats(bay.polygon_norm) for bay in frame.bays),
            bay_ids=tuple(bay.id for bay in frame.bays),
            labels=(None,) * len(frame.bays),
            # Two boxes may call their cameras alike, and splits go by camera.
            camera=f"{made.edge}.{frame.camera}",
            time_local=frame.captured_utc.astimezone(UTC).replace(tzinfo=None),
            edge_value=frame.score,
            reasons=tuple(str(reason) for reason in frame.reasons),
        )
        for frame in made.frames
    ]


def from_pictures(pictures: Sequence[Path], calibration: Calibration) -> list[PoolFrame]:
    """Images of one camera that stood still, without labels.

    Raises:
        DatasetError: the calibration holds no bay.
    """
    if not calibration.bays:
        msg = f"calibration of {calibration.camera}: expected bays, but it has none"
        raise DatasetError(msg)
    return [
        PoolFrame(
            path=path,
            source=path.parent.name,
            polygons_norm=tuple(calibration.polygons_norm()),
            bay_ids=calibration.bay_ids,
            labels=(None,) * len(calibration.bays),
            camera=calibration.camera,
        )
        for path in pictures
    ]


def judge_pool(
    detector: Detector,
    frames: Sequence[PoolFrame],
    on_frame: Callable[[], None] = lambda: None,
) -> list[Judged]:
    """Judge every bay by both heads; an image that comes twice counts once.

    Raises:
        DatasetError: an image cannot be read.
        ModelError: the network failed.
    """
    found: dict[str, Judged] = {}
    for frame in frames:
        sha256 = sha256_of(frame.path)
        if frame.polygons_norm and sha256 not in found:
            found[sha256] = _judge(detector, frame, sha256)
        on_frame()
    return list(found.values())


def _judge(detector: Detector, frame: PoolFrame, sha256: str) -> Judged:
    image = frame.read()
    image_wh = (image.shape[1], image.shape[0])
    bays = BayShapes.of(frame.polygons_norm, image_wh)
    judged = judge_bays(detector, image, bays)
    by_head = judged.output.bay_prob
    return Judged(
        frame=frame,
        sha256=sha256,
        image_wh=image_wh,
        prob=judged.evidence.prob if by_head is None else by_head,
        box_prob=OverlapRule().judge(judged.output, list(frame.polygons_norm), image_wh).prob,
        looks=looks_of(image, to_pixels(bays.quads_norm, image_wh)),
        look=look_of_picture(image),
    )


def _share(value: float) -> float:
    # Four digits are more than a probability is worth, and keep the file readable.
    return round(min(max(float(as_floats(value)), 0.0), 1.0), 4)
