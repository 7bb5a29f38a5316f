"""The alerts that the rules would have opened and closed over the past weeks.

The rules look at what is so now, so they cannot be run over a past that is taken newest first. What
follows from a week's history is worked out here by their limits and told in their words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from city.history import Past, Said, utc
from city.troubles import Outage, PastIncident
from cloud_app.config import RulesConfig
from cloud_app.storage.alerts import Subject, close_all, mark_sent, open_all
from cloud_app.storage.database import Session
from telemetry import IncidentKind, UnknownReason

_WORDS = {
    IncidentKind.OUTSIDE_BAY: "Outside the bays",
    IncidentKind.DOUBLE_PARKING: "Double parking",
    IncidentKind.STRADDLING: "Over two bays",
    IncidentKind.OVERSTAY: "Overstay",
    IncidentKind.WRONG_USE: "Wrong kind of bay",
}


@dataclass(frozen=True, slots=True)
class PastAlert:
    """An alert that is over; times in seconds since 1970."""

    subject: Subject
    begin_s: float
    end_s: float
    text: str


def alerts_of(past: Past, states: Sequence[Sequence[Said]], rules: RulesConfig) -> list[PastAlert]:
    """All alerts of a lot's past, in order."""
    found = [
        *(each for outage in past.outages for each in _outage(past, outage, rules)),
        *(each for incident in past.incidents for each in _incident(past, incident, rules)),
        *_full(past, states, rules),
    ]
    return sorted(found, key=lambda each: each.begin_s)


def write(session: Session, alerts: Sequence[PastAlert]) -> None:
    """Write alerts as opened, told and closed when they were."""
    for each in alerts:
        key = (each.subject, _ms(each.begin_s))
        open_all(session, [(each.subject, each.text)], key[1])
        close_all(session, [key], _ms(each.end_s))
        mark_sent(session, key, closing=False)
        mark_sent(session, key, closing=True)


def _ms(at_s: float) -> int:
    return round(at_s * 1000)


def _outage(past: Past, outage: Outage, rules: RulesConfig) -> Iterator[PastAlert]:
    lot, site = past.lot, past.lot.spec.site
    since = f"{utc(outage.begin_s):%Y-%m-%d %H:%M:%S} UTC"
    if outage.camera is None:
        after_s = rules.edge_offline_s
        subject = Subject("edge_offline", site, lot.edge)
        text = (
            f"Edge {lot.edge} of {site} was last heard of at {since}; its {len(lot.bays)} bays are "
            "stale."
        )
    else:
        after_s = rules.camera_lost_s
        subject = Subject("camera_lost", site, f"{lot.edge}/{outage.camera}")
        bays = sum(bay.said.camera == outage.camera for bay in lot.bays)
        text = (
            f"Camera {outage.camera} of edge {lot.edge} at {site} tells nothing of its {bays} bays "
            f"since {since}: {outage.reason or UnknownReason.CAMERA_LOST}."
        )
    if outage.end_s - outage.begin_s > after_s:
        yield PastAlert(subject, outage.begin_s + after_s, outage.end_s, text)


def _incident(past: Past, incident: PastIncident, rules: RulesConfig) -> Iterator[PastAlert]:
    if incident.kind not in rules.incident_kinds:
        return
    lot = past.lot
    wait_s = 0.0 if incident.limit_s is not None else rules.incident_after_s
    begin_s = max(incident.told_s, incident.begin_s + wait_s)
    if begin_s >= incident.end_s:
        return
    bays = ", ".join(lot.bays[index].said.bay for index in incident.bays)
    vehicle = "vehicle" if incident.limit_s is not None else "car"
    text = (
        f"{_WORDS[incident.kind]}{f' at {bays}' if bays else ''}: a {vehicle} seen by camera "
        f"{incident.camera} of {lot.spec.site} since {utc(incident.begin_s):%Y-%m-%d %H:%M:%S} UTC."
    )
    subject = Subject("incident", lot.spec.site, f"{lot.edge}/{incident.name}")
    yield PastAlert(subject, begin_s, incident.end_s, text)


def _full(past: Past, states: Sequence[Sequence[Said]], rules: RulesConfig) -> Iterator[PastAlert]:
    lot, bays = past.lot, len(past.lot.bays)
    news = sorted(
        (said.at_s, bay, said.occ is True) for bay, told in enumerate(states) for said in told
    )
    taken = [False] * bays
    occupied, since_s = 0, None
    for at_s, bay, occ in news:
        occupied += occ - taken[bay]
        taken[bay] = occ
        if since_s is None and occupied / bays >= rules.lot_full_at:
            since_s = at_s
            text = (
                f"Lot {lot.spec.name} of {lot.spec.site} is full: {occupied} of {bays} open bays "
                "are occupied."
            )
        elif since_s is not None and occupied / bays < rules.lot_clear_at:
            yield PastAlert(Subject("lot_full", lot.spec.site, lot.id), since_s, at_s, text)
            since_s = None
