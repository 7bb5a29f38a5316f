"""One queue being reviewed: who gets which question, what was answered, how far it is."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.crops import overlay_of, window_of
from datasets.errors import DatasetError
from datasets.labelling.journal import (
    Entry,
    Mode,
    State,
    append_entry,
    journal_path,
    read_journals,
    repair_journals,
    standing,
)
from datasets.labelling.page.pictures import Pictures, polygons_px
from datasets.labelling.page.views import Points, ProgressView, QuestionView, VoteView
from datasets.labelling.queue import Queue, QueueItem, read_queue
from datasets.labelling.results import SHOWN_AT_MOST_S, How, Outcome, add_votes, decide, votes_of
from telemetry import Clock
from vision.types import Floats

_LEASE_S = 600.0
"""For this long, a question on one reviewer's screen is not given to another."""
_RATE_OVER = 60
"""Number of latest actions that the rate is computed from: it should follow the current pace."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the page wants.

    Attributes:
        reviewer: for whom.
        mode: single and grid ask open questions, settle asks disputed ones.
        count: how many at most.
        have: names of questions that the page has already.
    """

    reviewer: str
    mode: Mode
    count: int
    have: Collection[str] = ()


class ReviewSession:
    """Hands out questions and keeps answers; called from several threads."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Review the queue in `folder`; the caller holds its lock.

        Raises:
            DatasetError: there is no queue, or it or its answers are damaged.
        """
        self.folder = folder
        self.queue: Queue = read_queue(folder)
        self.pictures = Pictures(folder, self.queue)
        self._clock = clock
        self._lock = threading.Lock()
        self._items = {self.queue.id_of(item): item for item in self.queue.items}
        self._leases: dict[str, tuple[str, float]] = {}
        repair_journals(folder)
        self._entries = read_journals(folder)
        self._votes = votes_of(self._entries)
        self._check_known()

    def item(self, name: str) -> QueueItem:
        """The question of that name.

        Raises:
            DatasetError: there is none.
        """
        if name not in self._items:
            msg = f"{self.folder}: expected a question of this queue, but got '{name}'"
            raise DatasetError(msg)
        return self._items[name]

    def batch(self, ask: Ask) -> tuple[QuestionView, ...]:
        """The next questions; of a grid all have the same suggestion."""
        with self._lock:
            now_s = self._clock.mono_s()
            chosen: list[str] = []
            suggestion: bool | None = None
            for name, item in self._items.items():
                if len(chosen) >= ask.count:
                    break
                if name in ask.have or not self._wanted(name, ask):
                    continue
                holder, until_s = self._leases.get(name, ("", 0.0))
                if holder not in {"", ask.reviewer} and until_s > now_s and not item.twice:
                    continue
                state = self.queue.bay_of(item).suggestion
                if ask.mode == "grid" and suggestion not in {None, state}:
                    continue
                suggestion = state
                self._leases[name] = (ask.reviewer, now_s + _LEASE_S)
                chosen.append(name)
            return tuple(self._question(name, ask.mode) for name in chosen)

    def save(self, entry: Entry) -> None:
        """Keep an action.

        Raises:
            DatasetError: it speaks of another queue's questions, or the disk does not take it.
        """
        for answer in entry.answers:
            self.item(answer.item)
        with self._lock:
            # A page that heard no reply sends again.
            if all(known.id != entry.id for known in self._entries.get(entry.reviewer, ())):
                self._append(entry)
            for answer in entry.answers:
                self._leases.pop(answer.item, None)

    def undo(self, entry_id: str, reviewer: str) -> tuple[Mode, tuple[QuestionView, ...]] | None:
        """Take a person's newest action back.

        Args:
            entry_id: of the undoing.
            reviewer: whose.

        Returns:
            Its mode and its questions with the states that were given; None when there is none.
        """
        with self._lock:
            entries = self._entries.get(reviewer, [])
            by_id = {entry.id: entry for entry in entries}
            held = standing(entries)
            if entry_id in by_id:
                undone = by_id[by_id[entry_id].undoes or entry_id]
            elif held:
                undone = held[-1]
                now = self._clock.utc()
                self._append(Entry(id=entry_id, reviewer=reviewer, time=now, undoes=undone.id))
            else:
                return None
            return undone.mode, tuple(
                self._question(answer.item, undone.mode, answer.state) for answer in undone.answers
            )

    def progress(self, reviewer: str) -> ProgressView:
        """How far the queue and this person are, and how fast they go."""
        with self._lock:
            outcomes = [self._decided(name) for name in self._items if name in self._votes]
            ask = Ask(reviewer, "single", 0)
            entries = standing(self._entries.get(reviewer, []))
            return ProgressView(
                asked=len(self._items),
                answered=len(outcomes),
                left=sum(self._wanted(name, ask) for name in self._items),
                mine=sum(len(entry.answers) for entry in entries),
                corrected=sum(one.how is How.CORRECTED for one in outcomes),
                skipped=sum(one.how is How.SKIPPED for one in outcomes),
                disputed=sum(one.how is How.DISPUTED for one in outcomes),
                per_minute=_rate(entries),
            )

    def thumbnail(self, frame: str) -> bytes:
        """A whole image, small, as JPEG.

        Raises:
            DatasetError: there is no such image, or it is gone.
        """
        for number, known in enumerate(self.queue.frames):
            if known.id == frame:
                return self.pictures.frame(number)
        msg = f"{self.folder}: expected an image of this queue, but got '{frame}'"
        raise DatasetError(msg)

    def reviewers(self) -> list[str]:
        """Names of those who have answered."""
        return sorted(self._entries)

    def _decided(self, name: str) -> Outcome:
        item = self._items[name]
        return decide(item, self.queue.bay_of(item).suggestion, self._votes.get(name, ()))

    def _wanted(self, name: str, ask: Ask) -> bool:
        if ask.mode == "settle":
            return self._decided(name).how is How.DISPUTED
        votes = self._votes.get(name, ())
        if any(vote.reviewer == ask.reviewer for vote in votes):
            return False
        # What one person could not tell, another one may.
        return self._items[name].twice or all(vote.state == "unknown" for vote in votes)

    def _question(self, name: str, mode: Mode, was: State | None = None) -> QuestionView:
        item = self._items[name]
        frame, bay = self.queue.frames[item.frame], self.queue.bay_of(item)
        polygons = polygons_px(frame)
        window = window_of(polygons[item.bay], frame.image_wh)
        outline, others = overlay_of(polygons, item.bay, window)
        votes = self._votes.get(name, ())
        return QuestionView(
            item=name,
            frame=frame.id,
            image_wh=frame.image_wh,
            bay=bay.id,
            polygon=bay.polygon,
            outline=_points(outline),
            others=tuple(map(_points, others)),
            suggestion="occupied" if bay.suggestion else "free",
            prob=bay.prob,
            label=bay.label,
            reasons=(*item.reasons, *frame.reasons),
            place=" ".join(filter(None, (frame.source, frame.split, frame.camera))),
            time=frame.time_local.isoformat(" ", "minutes") if frame.time_local else "",
            # What others said would lead the second look; it is shown where it must be judged.
            votes=tuple(
                VoteView(reviewer=vote.reviewer, state=vote.state)
                for vote in votes
                if mode == "settle"
            ),
            was=was,
        )

    def _append(self, entry: Entry) -> None:
        append_entry(journal_path(self.folder, entry.reviewer), entry)
        self._entries.setdefault(entry.reviewer, []).append(entry)
        if entry.undoes is None:
            add_votes(self._votes, entry)
        else:
            self._votes = votes_of(self._entries)

    def _check_known(self) -> None:
        strange = next((name for name in self._votes if name not in self._items), None)
        if strange is not None:
            msg = f"{self.folder}: expected answers to this queue, but got one to '{strange}'"
            raise DatasetError(msg)


def _rate(entries: Sequence[Entry]) -> float | None:
    recent = entries[-_RATE_OVER:]
    spent_s = sum(min(entry.spent_s, SHOWN_AT_MOST_S) for entry in recent)
    return 60 * sum(len(entry.answers) for entry in recent) / spent_s if spent_s > 0 else None


def _points(points: Floats) -> Points:
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in points)
