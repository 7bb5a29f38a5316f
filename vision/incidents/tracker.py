"""Which findings persist: stationary vehicles of one camera, tracked between observations.

Looks come when something changed and at the heartbeat, so all that counts here is seconds. A
vehicle is the same while its box stays where it was; a car that drives by never has two looks in
one place. A finding becomes an incident when it has held for `hold_s`, and an incident ends when
nothing has shown it for `clear_s`: one missed detection neither delays nor ends anything. Without
looks (camera lost, view moved) nothing begins and nothing ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from telemetry.vocabulary import BayKind, BayState, IncidentEnd, IncidentKind
from vision.boxes import pairwise_iou
from vision.incidents.findings import Finding, Sighting
from vision.incidents.stays import Moment, Stays
from vision.pairing import best_pairs
from vision.types import Floats, as_floats

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class IncidentSettings:
    """Times, in seconds, of incidents.

    Attributes:
        hold_s: how long a vehicle must stand with one finding.
        clear_s: how long a finding must be gone.
        same_place_iou: boxes that overlap by less are not one vehicle that stands.
        least_looks: so many looks must have shown it, since two vehicles may happen to stop in one
            place one after the other.
        longest_gap_s: a vehicle that was not seen for longer is another one, unless its incident is
            open already.
        overstay_s: limit of a stay in seconds for a kind of bay; none where it is not named.
        overstay_zone_s: limit of a stay for a zone; comes before the kind's.
    """

    hold_s: float = 60.0
    clear_s: float = 60.0
    same_place_iou: float = 0.6
    least_looks: int = 3
    longest_gap_s: float = 180.0
    overstay_s: Mapping[BayKind, float] = field(default_factory=dict)
    overstay_zone_s: Mapping[str, float] = field(default_factory=dict)

    def limit_s(self, kind: BayKind, zone: str | None) -> float | None:
        """The limit of a stay in a bay; None when there is none."""
        if zone is not None and zone in self.overstay_zone_s:
            return self.overstay_zone_s[zone]
        return self.overstay_s.get(kind)


@dataclass(frozen=True, slots=True)
class Incident:
    """A vehicle that stands, or stood, as it should not.

    Attributes:
        id: names it forever.
        kind: what is wrong.
        camera: that sees it.
        bays: concerned, the most concerned first.
        began: when the vehicle came to stand there, as far as that was seen.
        last_seen: when it was last seen so.
        stood_s: from `began` on, by the monotonic clock.
        area: watched area, for vehicles outside bays.
        vehicle: class of the vehicle in the network's words; None where no box was seen.
        conf: mean confidence of its boxes, or of the bay's state.
        box_norm: where it stands, fractions of the image; None where no box was seen.
        limit_s: the limit that was passed, for overstay.
        end: why it is over; None while it is open.
        ended: when it was found to be over.
    """

    id: str
    kind: IncidentKind
    camera: str
    bays: tuple[str, ...]
    began: datetime
    last_seen: datetime
    stood_s: float
    area: str | None = None
    vehicle: str | None = None
    conf: float = 0.0
    box_norm: Box | None = None
    limit_s: float | None = None
    end: IncidentEnd | None = None
    ended: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.end is None

    def over(self, end: IncidentEnd, ended: datetime) -> Incident:
        """The same, ended."""
        return replace(self, end=end, ended=ended)


@dataclass(slots=True)
class _Standing:
    """A vehicle that stands, and what is wrong with it."""

    box_norm: Box
    began: Moment
    seen_s: float
    looks: int = 0
    missed: int = 0
    kind: IncidentKind | None = None
    kind_since: Moment | None = None
    kind_seen: Moment | None = None
    kind_looks: int = 0
    confidence: float = 0.0
    where: Counter[tuple[tuple[str, ...], str | None]] = field(default_factory=Counter)
    vehicles: Counter[str] = field(default_factory=Counter)
    incident: Incident | None = None

    def see(self, sighting: Sighting, now: Moment) -> None:
        self.looks += 1
        self.seen_s = now.mono_s
        self.vehicles[sighting.vehicle] += 1
        if sighting.finding is not None:
            self._support(sighting.finding, sighting.confidence, now)

    def _support(self, finding: Finding, confidence: float, now: Moment) -> None:
        if finding.kind is not self.kind:
            if self.incident is not None or self.kind_looks > 1:
                return  # one look that sees it otherwise does not undo the others
            self.kind, self.kind_since = finding.kind, now
            self.kind_looks, self.confidence = 0, 0.0
            self.where.clear()
        self.kind_looks += 1
        self.confidence += (confidence - self.confidence) / self.kind_looks
        self.kind_seen = now
        self.where[finding.bays, finding.area] += 1

    def start_over(self) -> None:
        """Restart the count of observations."""
        self.looks = self.missed = 0
        self.drop_kind()

    def drop_kind(self) -> None:
        self.kind = self.kind_since = self.kind_seen = None
        self.kind_looks, self.confidence = 0, 0.0
        self.where.clear()


class IncidentTracker:
    """The standing vehicles of one camera; not thread-safe.

    Args:
        camera: the camera's id.
        settings: times and limits.
        new_id: gives an id that was never given before.
    """

    def __init__(self, camera: str, settings: IncidentSettings, new_id: Callable[[], str]) -> None:
        self._camera = camera
        self._settings = settings
        self._new_id = new_id
        self._standing: list[_Standing] = []
        self._overstays: dict[str, Incident] = {}
        self.stays = Stays()

    def open_incidents(self) -> tuple[Incident, ...]:
        """All open ones, oldest first."""
        found = [each.incident for each in self._standing if each.incident is not None]
        return tuple(sorted([*found, *self._overstays.values()], key=lambda each: each.began))

    def restore(self, incidents: Iterable[Incident], now: Moment) -> None:
        """Go on with incidents that were open before a restart."""
        for incident in incidents:
            if incident.kind is IncidentKind.OVERSTAY:
                self._overstays[incident.bays[0]] = incident
                continue
            if incident.box_norm is None:
                continue
            ago_s = max((now.utc - incident.began).total_seconds(), 0.0)
            began = Moment(now.mono_s - ago_s, incident.began)
            seen = Moment(now.mono_s, incident.last_seen)
            standing = _Standing(incident.box_norm, began, now.mono_s, incident=incident)
            standing.kind, standing.kind_since, standing.kind_seen = incident.kind, began, seen
            standing.confidence = incident.conf
            standing.where[incident.bays, incident.area] += 1
            if incident.vehicle is not None:
                standing.vehicles[incident.vehicle] += 1
            self._standing.append(standing)

    def close(
        self, end: IncidentEnd, now: Moment, bays: Iterable[str] | None = None
    ) -> list[Incident]:
        """End open incidents.

        Args:
            end: why.
            now: when.
            bays: only those that concern other bays than these; None ends all.
        """
        kept = None if bays is None else set(bays)
        ended = []
        for standing in self._standing:
            incident = standing.incident
            if incident is not None and (kept is None or not set(incident.bays) <= kept):
                ended.append(incident.over(end, now.utc))
                standing.incident = None
            if standing.incident is None:
                # What former bays made of it says nothing about the present ones.
                standing.start_over()
        for bay, incident in list(self._overstays.items()):
            if kept is None or bay not in kept:
                ended.append(incident.over(end, now.utc))
                del self._overstays[bay]
        return ended

    # -- vehicles --------------------------------------------------------------------------------

    def look(self, seen: Sequence[Sighting], now: Moment) -> list[Incident]:
        """Take in one frame's vehicles.

        Returns:
            The incidents that began and those that ended.
        """
        matched = self._matched(seen, now)
        for standing, sighting in matched:
            standing.see(sighting, now)
        present = {id(standing) for standing, _ in matched}
        for standing in self._standing:
            standing.missed += id(standing) not in present
        changed = [
            incident
            for standing in self._standing
            if (incident := self._judge(standing, now)) is not None
        ]
        self._standing = [each for each in self._standing if not self._is_gone(each, now)]
        return changed

    def _matched(self, seen: Sequence[Sighting], now: Moment) -> list[tuple[_Standing, Sighting]]:
        iou = pairwise_iou(
            _boxes(s.box_norm for s in self._standing), _boxes(s.box_norm for s in seen)
        )
        rows, columns = best_pairs(iou)
        pairs = {
            int(column): self._standing[row]
            for row, column in zip(rows, columns, strict=True)
            if iou[row, column] >= self._settings.same_place_iou
        }
        matched = []
        for index, sighting in enumerate(seen):
            standing = pairs.get(index)
            if standing is None:
                standing = _Standing(sighting.box_norm, now, now.mono_s)
                self._standing.append(standing)
            elif standing.incident is None and (
                now.mono_s - standing.seen_s > self._settings.longest_gap_s
            ):
                standing.began = now
                standing.start_over()
            matched.append((standing, sighting))
        return matched

    def _judge(self, standing: _Standing, now: Moment) -> Incident | None:
        if standing.kind_seen is None or standing.kind_since is None:
            return None
        if standing.incident is not None:
            incident = self._as_seen(standing, standing.incident)
            if now.mono_s - standing.kind_seen.mono_s >= self._settings.clear_s:
                standing.incident = None
                standing.start_over()
                return incident.over(IncidentEnd.LEFT, now.utc)
            standing.incident = incident
            return None
        if now.mono_s - standing.kind_seen.mono_s >= self._settings.clear_s:
            standing.drop_kind()
            return None
        held_s = standing.kind_seen.mono_s - standing.kind_since.mono_s
        # Most looks must agree: a box that flickers between two readings is not an incident, and
        # in a busy lane one car after the other comes by the same place.
        agreed = 2 * standing.kind_looks > standing.looks + standing.missed
        if (
            held_s < self._settings.hold_s
            or standing.kind_looks < self._settings.least_looks
            or not agreed
        ):
            return None
        standing.incident = self._as_seen(standing, self._begun(standing))
        return standing.incident

    def _begun(self, standing: _Standing) -> Incident:
        assert standing.kind is not None  # noqa: S101 - looked at before
        (bays, area), _ = standing.where.most_common(1)[0]
        return Incident(
            id=self._new_id(),
            kind=standing.kind,
            camera=self._camera,
            bays=bays,
            began=standing.began.utc,
            last_seen=standing.began.utc,
            stood_s=0.0,
            area=area,
            box_norm=standing.box_norm,
        )

    def _as_seen(self, standing: _Standing, incident: Incident) -> Incident:
        assert standing.kind_seen is not None  # noqa: S101 - looked at before
        vehicle = standing.vehicles.most_common(1)[0][0] if standing.vehicles else None
        stood_s = standing.kind_seen.mono_s - standing.began.mono_s
        return replace(
            incident,
            vehicle=vehicle,
            conf=round(standing.confidence, 4),
            last_seen=standing.kind_seen.utc,
            stood_s=round(max(stood_s, 0.0), 3),
        )

    def _is_gone(self, standing: _Standing, now: Moment) -> bool:
        if standing.incident is not None:
            return False
        passed_by = standing.missed > standing.looks
        return passed_by or now.mono_s - standing.seen_s > self._settings.longest_gap_s

    # -- stays -----------------------------------------------------------------------------------

    def watch_stays(
        self, states: Sequence[BayState], limits_s: Mapping[str, float], now: Moment
    ) -> list[Incident]:
        """Look whether a stay passed its limit, or ended.

        Args:
            states: of the bays now.
            limits_s: limit of a stay by bay; bays without one have none.
            now: the frame's time.

        Returns:
            The overstays that began and those that ended.
        """
        changed = []
        self.stays.update(states, now)
        for state in states:
            since, limit_s = self.stays.since(state.bay), limits_s.get(state.bay)
            known = self._overstays.get(state.bay)
            if known is not None and (since is None or limit_s is None):
                end = IncidentEnd.LEFT if since is None else IncidentEnd.CONFIG
                del self._overstays[state.bay]
                changed.append(known.over(end, state.since if since is None else now.utc))
            elif since is not None and limit_s is not None:
                stood_s = round(now.mono_s - since.mono_s, 3)
                if known is None and stood_s < limit_s:
                    continue
                fresh = self._overstay(state, since, now, limit_s) if known is None else known
                seen = now.utc if state.occ else fresh.last_seen
                self._overstays[state.bay] = replace(fresh, stood_s=stood_s, last_seen=seen)
                if known is None:
                    changed.append(self._overstays[state.bay])
        return changed

    def _overstay(self, state: BayState, since: Moment, now: Moment, limit_s: float) -> Incident:
        return Incident(
            id=self._new_id(),
            kind=IncidentKind.OVERSTAY,
            camera=self._camera,
            bays=(state.bay,),
            began=since.utc,
            last_seen=now.utc,
            stood_s=0.0,
            conf=state.conf,
            limit_s=limit_s,
        )


def _boxes(boxes: Iterable[Box]) -> Floats:
    return as_floats(list(boxes)).reshape(-1, 4)
