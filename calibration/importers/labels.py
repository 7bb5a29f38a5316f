"""Labels of annotation tools: which of them mean bays, and which are names of bays.

A tool has one field for both. People draw fifty outlines labelled `bay`, or label them `A1`, `A2`,
..., and other things too: cars, the road.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibration.importers.common import LeftOut, Points, Shape
from calibration.importers.document import Document
from calibration.importers.ids import name_from
from telemetry.vocabulary import BayKind

_BAY = frozenset(
    {"bay", "space", "spot", "slot", "stall", "place", "parking", "parkingspace", "parkingspot",
     "parkingslot", "parkingbay", "parkingplace", "parkingstall", "carpark", "stellplatz",
     "stellplätze", "parkplatz", "parkplätze", "parkbucht", "plaza", "vaga", "posto", "stallo",
     "parkeerplaats", "parkeervak", "miejsce", "emplacement", "parkovka", "車位", "车位"}
)  # fmt: skip
_STATES = frozenset(
    {"occupied", "empty", "free", "vacant", "busy", "available", "unavailable", "unoccupied",
     "taken", "nonempty", *BayKind}
)  # fmt: skip
# A part of a lot that is no bay, though a bay's word stands beside it: 'parking line'.
_PARTS = frozenset(
    {"line", "marking", "sign", "meter", "lot", "area", "lane", "entrance", "exit", "machine",
     "garage", "road", "aisle", "barrier", "gate", "zone"}
)  # fmt: skip
_OTHERS = frozenset(
    {"car", "vehicle", "truck", "bus", "van", "lorry", "motorcycle", "motorbike", "bicycle",
     "bike", "scooter", "person", "people", "pedestrian", "street", "pavement", "sidewalk",
     "tree", "building", "wall", "fence", "sky", "grass", "pole", "lamp", "background", "ignore",
     "mask", "crosswalk", "auto", "coche", "voiture", "carro", "macchina", "samochód", "strasse",
     "straße", *_PARTS}
)  # fmt: skip
_NAME_KEYS = (
    "bay_id", "bayid", "bay", "id", "name", "number", "no", "nr", "num", "slot", "spot", "space",
    "stall", "bay_number", "slot_id", "spot_id", "space_id",
)  # fmt: skip
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Labelled:
    """An outline with the label that a tool gave it.

    Attributes:
        place: where in the file.
        label: its label or category; empty where it has none.
        points: pairs of numbers as they stand there.
        name: its name, where a field of the file is a name and no label.
    """

    place: str
    label: str
    points: Points
    name: str | None = None


def bays_among(
    document: Document, found: Iterable[Labelled | LeftOut], *, named: bool = True
) -> list[Shape | LeftOut]:
    """The outlines that are bays; the others are skipped, each label with its count.

    Bays are those labels that the caller named (`Document.categories`); else those that read like a
    bay or like its name; else the only label there is.

    Args:
        document: the file.
        found: all outlines of the image.
        named: whether a label may be a bay's name, as when each outline has its own text.

    Raises:
        CalibrationError: a requested label does not exist, or there are several and none
            reads like a bay.
    """
    items = list(found)
    counts = Counter(item.label for item in items if isinstance(item, Labelled))
    taken = _taken(document, counts, named=named)
    shapes: list[Shape | LeftOut] = []
    for item in items:
        if isinstance(item, LeftOut):
            shapes.append(item)
        elif item.label not in taken:
            shapes.append(
                LeftOut(item.place, f"its label '{item.label}' is not a bay label (--category)")
            )
        else:
            own = item.label if named and _is_name(item.label, counts) else None
            shapes.append(Shape(item.place, item.points, item.name or own, _kind(item.label)))
    return shapes


def _taken(document: Document, counts: Counter[str], *, named: bool) -> set[str]:
    known = {label: f"'{label}' ({count})" for label, count in counts.most_common()}
    listed = ", ".join(list(known.values())[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
    if document.categories:
        missing = [label for label in document.categories if label not in known]
        if missing:
            document.fail("category", f"one of {listed or 'none'}", missing[0])
        return set(document.categories)
    names = {label for label in known if named and _is_name(label, counts)}
    others = {label for label in known if _words(label) & _OTHERS and not is_bay(label)}
    bays = {label for label in known if is_bay(label)} | (names - others)
    if "" in known and not bays - {""}:
        bays.add("")
    rest = known.keys() - others
    if not bays and len(rest) == 1:
        return rest
    if known and not bays:
        document.fail("category", f"the label of the bays (--category), one of {listed}", "none")
    return bays


def is_bay(label: str) -> bool:
    """Whether a label reads like a bay, whatever its state: `parking_slot`, `space-empty`, `ev`."""
    words = _words(label)
    return bool(words & (_BAY | _STATES)) and not words & _PARTS


def _is_name(label: str, counts: Counter[str]) -> bool:
    """Whether a label is one bay's name: it has a number, or is the only one of its kind.

    Labels with numbers that stand for many outlines each are classes: `0` and `1`.
    """
    if not label:
        return False
    if any(letter.isdigit() for letter in label):
        return 2 * len(counts) > sum(counts.values())
    return counts[label] == 1 and not _words(label) & (_BAY | _STATES | _OTHERS)


def _words(label: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", label)
    words = re.sub(r"[\W\d_]+", " ", spaced).lower().split()
    return {word for whole in words for word in (whole, whole.removesuffix("s"))}


def _kind(label: str) -> BayKind:
    return next((kind for kind in BayKind if kind in _words(label)), BayKind.STANDARD)


def name_among(attributes: Mapping[str, Any]) -> str | None:
    """The name that one of an outline's attributes gives, and that is no class or state."""
    lowered = {str(key).strip().lower(): value for key, value in attributes.items()}
    names = (name_from(lowered.get(key)) for key in _NAME_KEYS)
    return next((name for name in names if name is not None and not _is_class(name)), None)


def label_among(attributes: Mapping[str, Any], keys: Sequence[str]) -> str:
    """The label among an outline's attributes: under these keys, else the only text there is."""
    lowered = {str(key).strip().lower(): value for key, value in attributes.items()}
    found = (name_from(lowered.get(key)) for key in keys)
    label = next((text for text in found if text is not None), None)
    texts = [text for text in map(name_from, lowered.values()) if text is not None]
    return label or (texts[0] if len(texts) == 1 else "")


def _is_class(text: str) -> bool:
    return not any(letter.isdigit() for letter in text) and bool(
        _words(text) & (_BAY | _STATES | _OTHERS)
    )
