"""What the readers of all formats share: what a class means, and how labels become frames."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from calibration.importers import Document
from datasets.errors import DatasetError
from datasets.frames import UNKNOWN_ORIGIN, LotFrame, Origin, State, Vehicle
from telemetry.errors import CalibrationError
from telemetry.vocabulary import BayKind
from vision.types import as_floats


class Meaning(StrEnum):
    """What a class of a labelled set says."""

    OCCUPIED = "occupied"
    FREE = "free"
    UNKNOWN = "unknown"
    """A bay; its state is in an attribute, or nowhere."""
    VEHICLE = "vehicle"
    IGNORED = "ignored"


# Words for a bay, which say nothing of its state: 'space-empty', 'parking_slot', 'Bay'.
_BAY_WORDS = frozenset(
    {"parking", "park", "space", "spaces", "spot", "spots", "slot", "slots", "lot", "bay", "bays",
     "stall", "stalls", "place", "is"}
)  # fmt: skip
_OCCUPIED = frozenset(
    {"occupied", "occ", "busy", "full", "taken", "parked", "true", "1", "yes",
     "not free", "not empty", "not available", "unavailable", "nonempty"}
)  # fmt: skip
_FREE = frozenset(
    {"free", "empty", "vacant", "available", "unoccupied", "false", "0", "no",
     "not occupied", "not taken"}
)  # fmt: skip
_UNKNOWN = frozenset({"unknown", "unsure", "occluded", "unlabelled", "unlabeled", *BayKind})
_VEHICLES = frozenset(
    {"car", "cars", "vehicle", "vehicles", "truck", "trucks", "bus", "buses", "van", "vans",
     "minibus", "motorcycle", "motorcycles", "motorbike", "motorbikes", "pickup", "lorry", "suv"}
)  # fmt: skip
_STATE_KEYS = ("occupied", "occupancy", "is_occupied", "state", "status")
_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_]?(\d\d)[-_]?(\d\d)[-_T ]+"
    r"(\d\d)[-_.:h]?(\d\d)(?:[-_.:]?(\d\d))?(?!\d)"
)


def meaning_of(name: str, given: Mapping[str, Meaning]) -> Meaning:
    """What a class name means: as given, else by its words, else it is ignored.

    A number alone, as in files without names, means nothing.
    """
    if name in given:
        return given[name]
    words = re.sub(r"[\W_]+", " ", name.lower()).split()
    state = " ".join(word for word in words if word not in _BAY_WORDS)
    if not state:
        return Meaning.UNKNOWN if words else Meaning.IGNORED
    if state.isdigit():
        return Meaning.IGNORED
    for known, meaning in (
        (_OCCUPIED, Meaning.OCCUPIED),
        (_FREE, Meaning.FREE),
        (_UNKNOWN, Meaning.UNKNOWN),
        (_VEHICLES, Meaning.VEHICLE),
    ):
        if state in known:
            return meaning
    return Meaning.IGNORED


def state_in(attributes: Mapping[str, object]) -> State:
    """The state that an annotation's attributes tell; None where they do not."""
    for key in _STATE_KEYS:
        value = str(attributes.get(key, "")).strip().lower()
        if value in _OCCUPIED:
            return True
        if value in _FREE:
            return False
    return None


def time_in(name: str) -> datetime | None:
    """Day and time in a file's name, e.g. `2013-02-24_10_05_04.jpg`, `cam1_20190914_0005.jpg`."""
    found = _TIME.search(name)
    if found is None:
        return None
    numbers = [int(group or 0) for group in found.groups()]
    try:
        # Cameras name files in local time and no set says which.
        return datetime(*numbers)  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Label:
    """One annotation of an image.

    Attributes:
        place: where in the file, for errors.
        name: of its class.
        points_norm: its outline, fractions of width and height; a box as four corners.
        bay_id: its own name, where it has one.
        state: where the annotation says it apart from its class.
    """

    place: str
    name: str
    points_norm: Sequence[tuple[float, float]]
    bay_id: str | None = None
    state: State = None


@dataclass(frozen=True, slots=True)
class Shot:
    """What is known of an image beside its labels; as in `LotFrame`."""

    path: Path
    split: str = ""
    image_wh: tuple[int, int] | None = None
    camera: str = ""
    lot: str = ""
    weather: str = ""
    time_local: datetime | None = None
    origin: Origin = UNKNOWN_ORIGIN


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        frames: images, not decoded yet.
        ignored: how many annotations of each class were skipped.
        left_out: annotations that are no outlines, or damaged: file, item, what was expected.
    """

    frames: tuple[LotFrame, ...] = field(repr=False)
    ignored: Mapping[str, int]
    left_out: tuple[str, ...] = field(default=(), repr=False)


class Collector:
    """Gathers the images of one set while its files are read.

    Attributes:
        source: folder or file of the set.
        name: of the set.
    """

    def __init__(
        self, source: Path, given: Mapping[str, Meaning], *, is_strict: bool = False
    ) -> None:
        """Begin a set.

        Args:
            source: folder or file of the set.
            given: what classes mean.
            is_strict: whether one annotation that cannot be read refuses the set.
        """
        self.source = source
        self.name = (source if source.is_dir() else source.parent).resolve().name
        self._given = given
        self._is_strict = is_strict
        self._left_out: list[str] = []
        self._frames: list[LotFrame] = []
        self._ignored: Counter[str] = Counter()

    @contextmanager
    def item(self) -> Iterator[None]:
        """One annotation: an error in it skips the annotation and is reported.

        Raises:
            CalibrationError: it is of no possible form, and the reading is strict.
        """
        try:
            yield
        except CalibrationError as exc:
            if self._is_strict:
                raise
            self._left_out.append(str(exc))

    def add(self, document: Document, shot: Shot, labels: Sequence[Label]) -> None:
        """Add an image.

        Raises:
            CalibrationError: a label is of no possible form, and the reading is strict.
        """
        bays: list[tuple[Label, State]] = []
        vehicles: list[Vehicle] = []
        for label in labels:
            with self.item():
                meaning = meaning_of(label.name, self._given)
                if meaning is Meaning.IGNORED:
                    self._ignored[label.name] += 1
                    continue
                xyxy_norm = _extent(document, label)
                if meaning is Meaning.VEHICLE:
                    vehicles.append(Vehicle(xyxy_norm, label.name))
                else:
                    bays.append((label, _state(meaning, label.state)))
        try:
            frame = self._frame(shot, bays, vehicles)
        except DatasetError as exc:
            msg = f"{document.path}: picture {shot.path.name}: {exc}"
            raise DatasetError(msg) from exc
        self._frames.append(frame)

    def _frame(
        self, shot: Shot, bays: Sequence[tuple[Label, State]], vehicles: Sequence[Vehicle]
    ) -> LotFrame:
        return LotFrame(
            set_name=self.name,
            split=shot.split,
            path=shot.path,
            polygons_norm=tuple(as_floats(label.points_norm) for label, _ in bays),
            states=tuple(state for _, state in bays),
            bay_ids=_names([label.bay_id for label, _ in bays]),
            camera=shot.camera,
            lot=shot.lot,
            weather=shot.weather,
            time_local=shot.time_local or time_in(shot.path.name),
            vehicles=tuple(vehicles),
            image_wh=shot.image_wh,
            origin=shot.origin,
        )

    def done(self) -> Reading:
        """All that was gathered.

        Raises:
            DatasetError: no image, or none of the classes means anything here.
        """
        has_any = any(frame.bay_ids or frame.vehicles for frame in self._frames)
        if self._left_out and not has_any:  # a set of which nothing can be read is none
            more = f" (and {len(self._left_out) - 1} more)" if len(self._left_out) > 1 else ""
            raise DatasetError(self._left_out[0] + more)
        if not self._frames:
            msg = f"{self.source}: expected labelled images, but got none"
            raise DatasetError(msg)
        if self._ignored and not has_any:
            classes = ", ".join(f"'{name}'" for name in sorted(self._ignored)[:8])
            msg = (
                f"{self.source}: expected classes such as occupied, free, space or car, but got "
                f"{classes}; map them, e.g. --class NAME=occupied"
            )
            raise DatasetError(msg)
        ignored = dict(self._ignored.most_common())
        return Reading(tuple(self._frames), ignored, tuple(self._left_out))


def _state(meaning: Meaning, said: State) -> State:
    if said is not None or meaning is Meaning.UNKNOWN:
        return said
    return meaning is Meaning.OCCUPIED


def _names(names: Sequence[str | None]) -> tuple[str, ...]:
    """Bay ids: names as they are; the others get their number, or the next that is no name."""
    taken = {name for name in names if name is not None}
    chosen: list[str] = []
    for number, name in enumerate(names):
        free = (str(n) for n in range(number, number + len(names) + 1) if str(n) not in taken)
        bay = next(free) if name is None else name
        taken.add(bay)
        chosen.append(bay)
    return tuple(chosen)


def _extent(document: Document, label: Label) -> tuple[float, float, float, float]:
    # As 32-bit numbers, in which frames keep outlines: what is flat there is flat.
    points = as_floats(label.points_norm)
    left, top = points.min(0).tolist()
    right, bottom = points.max(0).tolist()
    if not (left < right and top < bottom):
        document.fail(label.place, "an outline with an area", str((left, top, right, bottom)))
    return left, top, right, bottom


def scaled(
    points: Sequence[tuple[float, float]], image_wh: tuple[float, float]
) -> list[tuple[float, float]]:
    """Points in pixels as fractions of the image."""
    return [(x / image_wh[0], y / image_wh[1]) for x, y in points]


def rectangle(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """Four corners of a box, clockwise from the top left."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
