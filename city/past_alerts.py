"""The alerts that the rules would have opened and closed over the past weeks.

The rules look at what is so now, so they cannot be run over a past that is taken newest first. What
follows from a week's history is worked out here by their limits and told in their words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import update

from city.history import Past, Said, utc
from city.plan import SITES
from city.troubles import Outage, PastIncident
from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.alerts.acts import Act, acknowledge, comment
from cloud_app.config import RulesConfig
from cloud_app.storage.alert_life import Subject, cease_all, lasting_alerts, open_all
from cloud_app.storage.alert_tables import alert
from cloud_app.storage.database import Session
from telemetry import IncidentKind, UnknownReason

_WORDS = {
    IncidentKind.OUTSIDE_BAY: "Outside the bays",
    IncidentKind.DOUBLE_PARKING: "Double parking",
    IncidentKind.STRADDLING: "Over two bays",
    IncidentKind.OVERSTAY: "Overstay",
    IncidentKind.WRONG_USE: "Wrong kind of bay",
}

RESPONDERS = {"wexpark": "technician@wexpark.example", "kerbside": "admin@kerbside.example"}
"""Who looks after the alerts of each operator."""
_SEEN_AFTER_S = (180.0, 1500.0)
_COMMENTS = {
    "camera_lost": (
        "Sun on the lens, comes back by itself.",
        "Rebooted the camera over PoE.",
        "Lens cleaned.",
        "Was turned by the wind; mount tightened.",
    ),
    "edge_offline": (
        "Provider says: works on the line.",
        "Router restarted on site.",
        "Power cut in the street, box came back with it.",
    ),
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


def write(session: Session, alerts: Sequence[PastAlert], rules: RulesConfig) -> None:
    """Write alerts as opened and closed when they were, in order: their numbers are their order."""
    for each in alerts:
        texts = [(each.subject, each.text)]
        open_all(session, texts, _ms(each.begin_s), rules.severity_of)
        number = lasting_alerts(session)[each.subject]
        _work_on(session, number, each)
        cease_all(session, [number], _ms(each.end_s))
    # Nobody is to be told of them now.
    session.run(
        update(alert)
        .where(alert.c.planned == 0, alert.c.ceased_ms.is_not(None))
        .values(planned=1, told_ms=alert.c.opened_ms)
    )


def _work_on(session: Session, number: int, each: PastAlert) -> None:
    """Somebody of the operator looks after what is broken, unless it is over before."""
    rng = random.Random(f"{each.subject} {each.begin_s}")  # noqa: S311 - a simulation
    seen_s = each.begin_s + rng.uniform(*_SEEN_AFTER_S)
    said_s = seen_s + rng.uniform(*_SEEN_AFTER_S)
    comments = _COMMENTS.get(each.subject.rule)
    if comments is None or said_s >= each.end_s:
        return
    operator = next(site.operator for site in SITES if site.id == each.subject.site)

    def act(at_s: float) -> Act:
        who = Actor(ActorKind.PERSON, RESPONDERS[operator], None, _ms(at_s))
        return Act(who, number, tenant=f"operator:{operator}")

    acknowledge(session, act(seen_s))
    comment(session, act(said_s), rng.choice(comments))


def _ms(at_s: float) -> int:
    return round(at_s * 1000)


def _outage(past: Past, outage: Outage, rules: RulesConfig) -> Iterator[PastAlert]:
    lot, site = past.lot, past.lot.spec.site
    since = f"{utc(outage.begin_s):%Y-%m-%d %H:%M:%S} UTC"
    if outage.source is None:
        after_s = rules.edge_offline_s
        subject = Subject("edge_offline", site, lot.edge)
        text = (
            f"Edge {lot.edge} of {site} was last heard of at {since}; its {len(lot.bays)} bays are "
            "stale."
        )
    else:
        after_s = rules.camera_lost_s
        subject = Subject("camera_lost", site, f"{lot.edge}/{outage.source}")
        bays = sum(bay.said.camera == outage.source for bay in lot.bays)
        text = (
            f"Camera {outage.source} of edge {lot.edge} at {site} tells nothing of its {bays} bays "
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
