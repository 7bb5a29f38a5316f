"""One clip: the evidence filter over its frames, as an edge box would see them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_app.judging.picture import (
    PictureJudge,
    count_states,
    draw_states,
    state_as_dict,
    view_as_dict,
)
from telemetry import BayState
from telemetry.gates import PassageDirection
from vision import Detections, EvidenceFilter, EvidenceSettings, ImageBgr
from vision.lanes import CountedLine, LaneCounter, LinePassage, lane_plan
from vision.lanes.draw import draw_lines
from vision.types import Floats, Frame
from vision.view_guard import ViewReport

START_UTC = datetime(1970, 1, 1, tzinfo=UTC)
"""A clip knows no wall time: its beginning is called this, and only differences are shown."""


@dataclass(frozen=True, slots=True)
class ClipOptions:
    """How a clip is judged.

    Attributes:
        rate_hz: judged frames for each second of the clip.
        speed: seconds of the scene for each second of the clip, more than 1 for a time-lapse.
        caption: of the drawn pictures.
        count_hz: frames for each second of the clip that are counted over lines.
    """

    rate_hz: float = 5.0
    speed: float = 1.0
    caption: str = ""
    count_hz: float = 10.0


@dataclass(frozen=True, slots=True)
class ClipChange:
    """One change of a bay's state.

    Attributes:
        at_s: time in the clip at which it was decided, seconds.
        since_s: time in the clip at which the new state began.
        state: the new state.
    """

    at_s: float
    since_s: float
    state: BayState

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        times = {"at_s": round(self.at_s, 3), "since_s": round(self.since_s, 3)}
        return times | state_as_dict(self.state)


@dataclass(frozen=True, slots=True)
class ClipReport:
    """What happened in a clip.

    Attributes:
        duration_s: of the clip, seconds.
        frames: decoded.
        judged: frames that the network looked at.
        changes: in order of time.
        states: at the end.
        view: what the view guard said last.
        passages: over counted lines, in order of time, and their lines' ids.
    """

    duration_s: float
    frames: int
    judged: int
    changes: tuple[ClipChange, ...]
    states: tuple[BayState, ...]
    view: ViewReport
    passages: tuple[LinePassage, ...] = ()
    lines: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "duration_s": round(self.duration_s, 3),
            "frames": self.frames,
            "judged": self.judged,
            "view": view_as_dict(self.view),
            "counts": count_states(self.states),
            "changes": [change.as_dict() for change in self.changes],
            "states": [state_as_dict(state) for state in self.states],
            "lines": {line: dict(counts) for line, counts in self.line_counts().items()},
            "passages": [_passage_as_dict(each) for each in self.passages],
        }

    def line_counts(self) -> dict[str, Counter[PassageDirection]]:
        """What passed over each counted line, by direction."""
        counts = {line: Counter(dict.fromkeys(PassageDirection, 0)) for line in self.lines}
        for passage in self.passages:
            counts[passage.line][passage.direction] += 1
        return counts


def _passage_as_dict(passage: LinePassage) -> dict[str, Any]:
    return {
        "line": passage.line,
        "at_s": round(passage.time_s, 3),
        "direction": passage.direction,
        "vehicle": passage.vehicle,
        "conf": passage.confidence,
    }


@dataclass(frozen=True, slots=True)
class ClipLanes:
    """Counted lines and what passed over them so far.

    Attributes:
        lines: as drawn.
        counts: by line and direction.
        homography: how the view has moved since; None: not at all.
    """

    lines: tuple[CountedLine, ...]
    counts: Mapping[str, Mapping[PassageDirection, int]]
    homography: Floats | None


@dataclass(frozen=True, slots=True)
class JudgedFrame:
    """One frame of a clip, and what is known of the bays by then.

    Attributes:
        time_s: in the clip, seconds.
        image_bgr: shape (H, W, 3).
        polygons_norm: the bays' polygons in this frame.
        states: one for each bay.
        detections: of the last frame that the network looked at; None before the first.
        lanes: counted lines and what passed over them by then; None where there are none.
    """

    time_s: float
    image_bgr: ImageBgr = field(repr=False)
    polygons_norm: tuple[Floats, ...] = field(repr=False)
    states: tuple[BayState, ...]
    detections: Detections | None = field(repr=False)
    lanes: ClipLanes | None = field(default=None, repr=False)

    def draw(self, caption: str) -> ImageBgr:
        """The frame with states and vehicles drawn over it."""
        caption = f"{caption}  {self.time_s:6.2f} s".strip()
        image = self.image_bgr
        if self.lanes is not None:
            image = image.copy()
            draw_lines(image, self.lanes.lines, self.lanes.counts, self.lanes.homography)
        return draw_states(image, self.polygons_norm, self.states, self.detections, caption)


class ClipJudge:
    """Judges the frames of one clip in order; use it once."""

    def __init__(self, judge: PictureJudge, options: ClipOptions) -> None:
        self.judge = judge
        self.options = options
        settings = EvidenceSettings.for_network(judge.spec)
        self._filter = EvidenceFilter(judge.calibration.bay_ids, settings, start_utc=START_UTC)
        self._changes: list[ClipChange] = []
        self._detections: Detections | None = None
        self._view = ViewReport()
        self._polygons = tuple(judge.bays_in(self._view).polygons_norm)
        self._states = self._filter.states()
        self._frames = self._judged = 0
        self._last_s = 0.0
        self._next_s = self._next_count_s = 0.0
        self._lines = judge.calibration.counted_lines()
        self._counter = LaneCounter(self._lines)
        self._passages: list[LinePassage] = []

    def run(self, frames: Iterable[tuple[float, ImageBgr]]) -> Iterator[JudgedFrame]:
        """Judge frames, each with its time in the clip, seconds.

        Raises:
            ModelError: the network failed.
        """
        for time_s, image in frames:
            if time_s >= self._next_s:
                self._take(time_s, image)
            if self._lines and time_s >= self._next_count_s:
                self._count(time_s, image)
            self._frames += 1
            self._last_s = time_s
            yield JudgedFrame(
                time_s, image, self._polygons, self._states, self._detections, self._lanes()
            )

    def report(self) -> ClipReport:
        """What happened so far."""
        return ClipReport(
            duration_s=self._last_s,
            frames=self._frames,
            judged=self._judged,
            changes=tuple(self._changes),
            states=self._states,
            view=self._view,
            passages=tuple(self._passages),
            lines=tuple(line.id for line in self._lines),
        )

    def _lanes(self) -> ClipLanes | None:
        if not self._lines:
            return None
        counts = self.report().line_counts()
        return ClipLanes(self._lines, counts, self._view.homography)

    def _count(self, time_s: float, image: ImageBgr) -> None:
        """As the service counts: every so many frames, on a small input of the same network."""
        self._next_count_s = time_s + 1 / self.options.count_hz - 0.0005
        if self._view.reason is not None:
            self._counter.clear()
            return
        image_wh = (image.shape[1], image.shape[0])
        spec = self.judge.spec
        found = self.judge.vehicles(image, lane_plan(image_wh, spec))
        self._passages += self._counter.update(
            found, spec.classes, image_wh, time_s, self._view.homography
        )

    def _take(self, time_s: float, image: ImageBgr) -> None:
        # A clip's frames come in fixed steps: without the half millisecond, 1/5 s is often missed.
        self._next_s = time_s + 1 / self.options.rate_hz - 0.0005
        scene_s = time_s * self.options.speed
        utc = START_UTC + timedelta(seconds=scene_s)
        frame = Frame(self.judge.calibration.camera, image, scene_s, utc, self._frames)
        self._view = self.judge.view(frame)
        self._polygons = tuple(self.judge.bays_in(self._view).polygons_norm)
        if self._view.reason is not None:
            self._detections = None
            changed = self._filter.mark_unknown(self._view.reason, scene_s, utc)
        elif self._view.is_usable:
            said = self.judge.look(image, self._view)
            self._detections = said.output.detections
            changed = self._filter.update(said.evidence, scene_s, utc)
            self._judged += 1
        else:
            return
        self._states = self._filter.states()
        for state in changed:
            since_s = (state.since - START_UTC).total_seconds() / self.options.speed
            self._changes.append(ClipChange(time_s, since_s, state))
