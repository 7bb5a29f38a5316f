"""What the reconciler remembers of bays and sources: verdicts, lasting differences, trust."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, select

from cloud_app.storage.database import Row, Session, Values
from cloud_app.storage.source_tables import bay_truth, source_trust
from cloud_app.storage.upsert import Upsert, among, names, same
from sensors.reconcile import SourceKind, Why
from sensors.reliability import Checks, Said, Trust, Watch

_TRUTHS = select(bay_truth).where(
    bay_truth.c.site == bindparam("at_site"),
    bay_truth.c.lot == bindparam("of_lot"),
    among(bay_truth.c.bay, "bays"),
)
_TRUSTS = select(source_trust).where(
    source_trust.c.site == bindparam("at_site"), among(source_trust.c.source, "sources")
)
_KEEP_TRUTH = Upsert(bay_truth, names(bay_truth), same(*names(bay_truth, with_key=False)))
_KEEP_TRUST = Upsert(source_trust, names(source_trust), same(*names(source_trust, with_key=False)))
_LASTING = select(bay_truth.c.site, bay_truth.c.lot, bay_truth.c.bay, bay_truth.c.differ_ms).where(
    bay_truth.c.differ_ms <= bindparam("before_ms")
)
_DOUBTED = select(source_trust).where(
    and_(source_trust.c.kind == SourceKind.SENSOR.value, source_trust.c.suspicion > 0)
)


def watches_of(session: Session, site: str, lot: str, bays: Sequence[str]) -> dict[str, Watch]:
    """What is remembered of bays of a lot."""
    given = {"at_site": site, "of_lot": lot, "bays": bays}
    return {row.bay: watch_of(row) for row in session.rows(_TRUTHS, given)}


def watch_of(row: Row) -> Watch:
    """A row of `bay_truth` as it was remembered."""
    said = {
        name: Said(SourceKind(kind), bool(occ), wrong, still)
        for name, (kind, occ, wrong, still) in json.loads(row.said).items()
    }
    return Watch(row.at_ms, said, row.differ_ms, frozenset(json.loads(row.movers or "[]")))


def keep_watches(
    session: Session,
    site: str,
    lot: str,
    found: Mapping[str, tuple[Watch, str | None, Why]],
) -> None:
    """Remember bays of a lot: the watch, whom the reconciler believed, and why."""
    session.upsert(
        _KEEP_TRUTH,
        [
            (site, lot, bay, believed, why.value, *_facts(each))
            for bay, (each, believed, why) in sorted(found.items())
        ],
    )


def _facts(each: Watch) -> Values:
    said = {
        name: (one.kind.value, int(one.occ), round(one.wrong, 4), one.still)
        for name, one in each.said.items()
    }
    movers = json.dumps(sorted(each.movers)) if each.differ_ms is not None else None
    return (each.at_ms, json.dumps(said, separators=(",", ":")), each.differ_ms, movers)


def trusts_of(session: Session, site: str, sources: Iterable[str]) -> dict[str, Trust]:
    """What was learned of sources at a site, as far as anything was."""
    rows = session.rows(_TRUSTS, {"at_site": site, "sources": sorted(set(sources))})
    return {row.source: _trust(row) for row in rows}


def keep_trusts(session: Session, site: str, found: Mapping[str, Trust]) -> None:
    """Keep what was learned of sources at a site."""
    session.upsert(
        _KEEP_TRUST,
        [
            (
                site,
                name,
                each.kind.value,
                *(
                    getattr(checks, figure)
                    for checks in (each.long, each.recent)
                    for figure in ("checked_ms", "wrong_ms", "spells")
                ),
                each.at_ms,
                each.suspicion,
            )
            for name, each in sorted(found.items())
        ],
    )


def _trust(row: Row) -> Trust:
    return Trust(
        SourceKind(row.kind),
        Checks(row.checked_ms, row.wrong_ms, row.spells),
        Checks(row.recent_checked_ms, row.recent_wrong_ms, row.recent_spells),
        row.at_ms,
        row.suspicion,
    )


def doubted_sensors(session: Session) -> dict[tuple[str, str], Trust]:
    """What was learned of sensors that another source found wrong of late, by (site, sensor)."""
    return {(row.site, row.source): _trust(row) for row in session.rows(_DOUBTED)}


def lasting_differences(session: Session, before_ms: int) -> Sequence[Any]:
    """(site, lot, bay, differ_ms) of bays whose sources have differed since then or longer."""
    return session.rows(_LASTING, {"before_ms": before_ms})
