"""A pass over a known image, which shows how a network's box output is to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from telemetry.errors import ModelError
from vision.box_format import FormatHints, Look, find_format, vehicles_found
from vision.geometry import to_pixels
from vision.letterbox import Letterbox
from vision.runtime import ort
from vision.session import BAY_IMAGE, BAY_QUADS, Graph, as_input, run_session, to_tensor
from vision.types import BoxFormat, Floats, ImageBgr


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """An image of which is known where vehicles stand.

    Attributes:
        image_bgr: shape (H, W, 3), uint8.
        vehicles_norm: their boxes, shape (V, 4), float32, fractions of width and height.
    """

    image_bgr: ImageBgr = field(repr=False)
    vehicles_norm: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known before a network is asked.

    Attributes:
        picture: that it is shown.
        hints: how its boxes are laid out, as far as specified.
        is_usual: whether unspecified parts are as in `BoxFormat.usual`, unless the numbers speak
            against it.
    """

    picture: KnownPicture
    hints: FormatHints = FormatHints()  # noqa: RUF009 - frozen
    is_usual: bool = False


@dataclass(frozen=True, slots=True)
class Probed:
    """What a known image showed.

    Attributes:
        box_format: how boxes are read.
        found: how many of the vehicles in the image were found.
        shown: how many there are.
    """

    box_format: BoxFormat
    found: int
    shown: int


def probe(
    session: ort.InferenceSession,
    graph: Graph,
    path: Path,
    class_count: int,
    input_wh: tuple[int, int],
    known: Probe,
) -> Probed:
    """Show a network a known image.

    Args:
        session: the open network.
        graph: its inputs and outputs.
        path: its file, for errors.
        class_count: how many classes it knows.
        input_wh: an input size that it takes, pixels.
        known: the image, and what is known before.

    Raises:
        ModelError: it fails, or how its boxes are to be read is not certain.
    """
    image = known.picture.image_bgr
    image_wh = (image.shape[1], image.shape[0])
    letterbox = Letterbox.fit(image_wh, input_wh)
    pictures = np.repeat(to_tensor([letterbox.apply(image)]), max(1, graph.batch), 0)
    feed = {graph.input_name: as_input(pictures, graph)}
    if graph.has_bay_head:
        feed[BAY_QUADS] = np.zeros((0, 4, 2), np.float32)
        feed[BAY_IMAGE] = np.zeros(0, np.int64)
    [output] = run_session(session, [graph.box_output], feed, path)
    corners = to_pixels(known.picture.vehicles_norm.reshape(-1, 2), image_wh)
    vehicles = letterbox.to_input_px(corners.reshape(-1, 2, 2)).reshape(-1, 4)
    look = Look(output, class_count, input_wh, vehicles)
    try:
        found = find_format(look, known.hints, is_usual=known.is_usual)
    except ValueError as exc:
        msg = f"{path}: {exc}{_REMEDY}"
        raise ModelError(msg) from exc
    return Probed(found, vehicles_found(look, found), len(vehicles))


_REMEDY = (
    " (--layout, also of `lotsight models add`, or `outputs` in a manifest: docs/own-model.md)"
)
