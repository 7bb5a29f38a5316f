"""Every labelled set, judged once: what `blocked.py`, `unseen.py` and `bay_bias.py` measure on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from datasets.frames import Bools, LotFrame
from datasets.lots import data_root, read_lot
from models import find_model, open_detector
from vision.judge import BayShapes, Judgement, judge_bays
from vision.types import ImageBgr

TRAINABLE = ("acpds:train", "acpds:valid", "pklot_ufpr05:train", "pklot_ufpr05:valid",
             "pklot_pucpr:test")  # fmt: skip
JUDGE_ONLY = ("pklot_ufpr04:test", "winter_t10:test", "street_night:test", "smartlot:train",
              "smartlot:valid", "nightlot:train", "nightlot:valid")  # fmt: skip


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A labelled frame and what the network says of it.

    Attributes:
        lot: name of the set.
        frame: with the bays whose state is known.
        image_wh: pixels.
        judgement: of the frame.
    """

    lot: str
    frame: LotFrame
    image_wh: tuple[int, int]
    judgement: Judgement

    @property
    def occupied(self) -> Bools:
        """The truth, shape (M,)."""
        return self.frame.occupied


def frames_of(texts: tuple[str, ...], limit: int) -> Iterator[tuple[str, LotFrame, ImageBgr]]:
    """Labelled frames with bays, at most `limit` of each split, spread over it."""
    for text in texts:
        name, split = text.split(":")
        frames = [frame.with_known_bays() for frame in read_lot(data_root() / name, split)]
        frames = [frame for frame in frames if len(frame.polygons_norm)]
        for frame in frames[:: max(1, len(frames) // limit)]:
            yield name, frame, frame.read()


def seen_frames(
    texts: tuple[str, ...] = (*TRAINABLE, *JUDGE_ONLY), model: str = "lotsight-n", limit: int = 1000
) -> Iterator[SeenFrame]:
    """Judge labelled frames as a box does."""
    detector = open_detector(find_model(model), 1)
    for name, frame, image in frames_of(texts, limit):
        wh = (image.shape[1], image.shape[0])
        shapes = BayShapes.of(frame.polygons_norm, wh)
        yield SeenFrame(name, frame, wh, judge_bays(detector, image, shapes))
