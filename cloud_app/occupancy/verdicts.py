"""Judging bays of a lot: words in, a verdict each, changes appended, lessons learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, select

from cloud_app.storage.bay_words import BayWords, mark_read, words_of
from cloud_app.storage.cloud_stream import Change, CloudEdge, append, last_states
from cloud_app.storage.database import Row, Session
from cloud_app.storage.intake import lock_edges
from cloud_app.storage.queries import Now
from cloud_app.storage.source_tables import cloud_edge
from cloud_app.storage.tables import bay as bay_table
from cloud_app.storage.tables import edge
from cloud_app.storage.truths import keep_trusts, keep_watches, trusts_of, watches_of
from cloud_app.storage.upsert import among
from cloud_app.stream import TakenEvent
from sensors.reconcile import SourceKind, SourceState, Verdict, Why, reconcile
from sensors.reliability import Lesson, Trust, Watch, watch
from telemetry import Clock
from telemetry.messages import ClockStamp
from telemetry.vocabulary import Cause, UnknownReason

_EDGE = (
    select(cloud_edge.c.edge, edge.c.layout)
    .join(edge, edge.c.edge == cloud_edge.c.edge)
    .where(cloud_edge.c.site == bindparam("at_site"), cloud_edge.c.lot == bindparam("of_lot"))
)
_THERE = select(bay_table.c.bay).where(
    bay_table.c.edge == bindparam("of"),
    bay_table.c.layout == bindparam("hash"),
    among(bay_table.c.bay, "bays"),
)
_BOOT = "cloud"
"""Stands for the boot of a clock: the cloud's events have one for ever, UTC."""


@dataclass(slots=True)
class LotJudge:
    """Judges bays in one transaction.

    Attributes:
        session: it.
        now: the moment.
        prefix: first levels of the topics.
        clock: for the events' stamps.
    """

    session: Session
    now: Now
    prefix: str
    clock: Clock

    def judge(self, site: str, lot: str, bays: Sequence[str]) -> list[TakenEvent]:
        """Judge bays of a lot; return what changed, as it was appended.

        Words of bays that no layout of the cloud has are kept, and wait for the registry.
        """
        session = self.session
        known = session.rows(_EDGE, {"at_site": site, "of_lot": lot})
        there: list[str] = []
        if known and known[0].layout is not None:
            [(name, layout)] = known
            lock_edges(session, [name])
            given = {"of": name, "hash": layout, "bays": list(bays)}
            there = sorted(row.bay for row in session.rows(_THERE, given))
        if not there:
            mark_read(session, site, lot, bays)
            return []
        mark_read(session, site, lot, bays)
        words = words_of(session, self.now, site, lot, there)
        sources = {each.source for of in words.values() for each in of.states}
        trusts = trusts_of(session, site, sources)
        words = {bay: trusted(of, trusts) for bay, of in words.items()}
        verdicts = {
            bay: reconcile(words.get(bay, BayWords()).states, self.now.now_ms) for bay in there
        }
        self._learn((site, lot), words, verdicts, trusts)
        last = last_states(session, name, layout, there)
        changes = [
            change_of(bay, verdicts[bay], words.get(bay, BayWords()), last.get(bay), self.now)
            for bay in there
        ]
        stamp = ClockStamp(
            synced=None, mono_ms=max(0, int(self.clock.mono_s() * 1000)), boot_id=_BOOT
        )
        of = CloudEdge(name, site, layout, self.prefix, stamp)
        return append(session, of, [each for each in changes if each], self.now.now_ms)

    def _learn(
        self,
        place: tuple[str, str],
        words: Mapping[str, BayWords],
        verdicts: Mapping[str, Verdict],
        trusts: Mapping[str, Trust],
    ) -> None:
        before = watches_of(self.session, *place, list(verdicts))
        kept: dict[str, tuple[Watch, str | None, Why]] = {}
        lessons: list[Lesson] = []
        for bay, verdict in verdicts.items():
            states = words.get(bay, BayWords()).states
            after, learned = watch(before.get(bay), states, self.now.now_ms)
            lessons += learned
            believed = None if verdict.believed is None else verdict.believed.source
            kept[bay] = (after, believed, verdict.why)
        keep_watches(self.session, *place, kept)
        keep_trusts(self.session, place[0], learned_from(trusts, lessons, self.now.now_ms))


def trusted(words: BayWords, trusts: Mapping[str, Trust]) -> BayWords:
    """Words with how far their sources are to be believed."""
    states = tuple(
        replace(each, reliability=trusts[each.source].reliability)
        if each.source in trusts and each.kind is not SourceKind.MANUAL
        else each
        for each in words.states
    )
    return replace(words, states=states)


def learned_from(
    trusts: Mapping[str, Trust], lessons: Iterable[Lesson], now_ms: int
) -> dict[str, Trust]:
    """The sources of which something was learned, with it."""
    found: dict[str, Trust] = {}
    for each in lessons:
        known = found.get(each.source) or trusts.get(each.source) or Trust(each.kind)
        found[each.source] = known.plus(each.checks, now_ms)
    return found


def change_of(
    bay: str, verdict: Verdict, words: BayWords, last: Row | None, now: Now
) -> Change | None:
    """What is to be told of a bay; None while it is as it was told last."""
    occ = None if verdict.occ is None else int(verdict.occ)
    if last is not None and (last.occ, last.reason, bool(last.closed), last.blocked) == (
        occ,
        verdict.reason,
        words.closed,
        words.blocked,
    ):
        return None
    since_ms = min(now.now_ms if verdict.since_ms is None else verdict.since_ms, now.now_ms)
    if last is not None:
        if last.occ == occ and last.reason == verdict.reason:
            since_ms = last.since_ms  # it was only closed or blocked, or no longer is
        elif since_ms <= last.since_ms:
            since_ms = now.now_ms  # another source is believed than before, from now on
    believed = verdict.believed
    return Change(
        bay=bay,
        occ=verdict.occ,
        closed=words.closed,
        reason=verdict.reason,
        since_ms=max(0, since_ms),
        conf=verdict.conf,
        cause=_cause(verdict, is_first=last is None),
        method="none" if believed is None else believed.kind.value,
        sensor=_sensor(believed),
        camera=words.camera,
        blocked=words.blocked,
    )


def _sensor(believed: SourceState | None) -> str | None:
    if believed is None or believed.kind is not SourceKind.SENSOR or "/" in believed.source:
        return None
    return believed.source


def _cause(verdict: Verdict, *, is_first: bool) -> Cause:
    if verdict.why is Why.BY_HAND:
        return Cause.MANUAL
    if is_first:
        return Cause.STARTUP
    lost = {
        UnknownReason.SENSOR_SILENT.value: Cause.SENSOR_LOST,
        UnknownReason.SENSOR_FAULT.value: Cause.SENSOR_LOST,
        UnknownReason.CAMERA_LOST.value: Cause.CAMERA_LOST,
    }
    return lost.get(verdict.reason or "", Cause.DETECTION)
