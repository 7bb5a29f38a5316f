"""Places in the ACPDS release (Marek 2021, arXiv 2107.12207), which names neither cameras nor lots.

Its camera numbered the images in order and went from place to place, so a gap in the numbers of
the train split (where the valid split's places were cut out) parts two groups of places.
"""

from __future__ import annotations

from datasets.frames import LotFrame

ACPDS = "acpds"
_STARTS = (
    (24, "a"),
    (6545, "b"),
    (6590, "v1"),
    (6603, "c"),
    (6640, "v2"),
    (6654, "d"),
    (6698, "v3"),
    (6723, "e"),
)


def place_of(frame: LotFrame) -> str:
    """Name the place that an image shows: its set; within acpds its run of images.

    Images of one place never stand on both sides of a split.
    """
    if frame.set_name != ACPDS:
        return frame.set_name
    number = int(frame.path.stem.removeprefix("GOPR"))
    return f"{ACPDS}-" + [label for start, label in _STARTS if number >= start][-1]
