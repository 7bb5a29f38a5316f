"""The gates of a lot: which there are, and whether they are heard of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from cloud_app.occupancy.balances import Lot
from cloud_app.occupancy.passages import Place
from cloud_app.occupancy.tables import gate
from cloud_app.registry.facts import DeviceFacts, DeviceKind
from cloud_app.registry.kinds import DEVICE, Ref
from cloud_app.registry.queries import devices_at
from cloud_app.registry.things import Thing, find
from cloud_app.storage.database import Row, Session
from cloud_app.storage.tables import edge
from cloud_app.storage.times import from_ms
from sensors.gates import GateWiring
from sensors.totals import Counter

# Periods that may be missed before a gate counts as silent.
_PERIODS = 3


@dataclass(frozen=True, slots=True)
class GateNow:
    """A gate as it is.

    Attributes:
        gate: its id.
        site: of the lot.
        lot: which it counts.
        name: as the registry has it.
        level: that it counts instead of the lot.
        level_from: of a gate between two levels, the one that a vehicle leaves on its way in.
        edge: the box that it speaks through.
        heard: when it, or its box, was last heard of; None: never.
        silent_after_s: it is silent once it was not heard of for so long.
        lost: vehicles that passed with no direction told.
    """

    gate: str
    site: str
    lot: str
    name: str | None
    level: str | None
    level_from: str | None
    edge: str | None
    heard: datetime | None
    silent_after_s: float
    lost: int

    def silent_since(self, now: datetime) -> datetime | None:
        """Since when it is silent; None if it is not, or was never there."""
        if self.heard is None:
            return None
        since = self.heard + timedelta(seconds=self.silent_after_s)
        return since if now >= since else None


def place_of(device: Thing) -> Place | None:
    """Where a gate of the registry is; None of other devices, and of one in no lot."""
    facts = device.facts
    if not isinstance(facts, DeviceFacts) or facts.kind is not DeviceKind.GATE_COUNTER:
        return None
    if facts.site is None or facts.lot is None:
        return None
    return Place(
        device.ref.key,
        facts.site,
        facts.lot,
        facts.level or "",
        facts.level_from or "",
        facts.wiring or GateWiring.AS_TOLD,
        Counter() if facts.modulus is None else Counter(facts.modulus),
    )


def sites_with_gates(session: Session) -> list[str]:
    """Sites of which gates were heard."""
    return [row.site for row in session.rows(select(gate.c.site).distinct().order_by(gate.c.site))]


_GATES = (
    select(gate, edge.c.seen_ms, edge.c.dead)
    .outerjoin(edge, edge.c.edge == gate.c.edge)
    .where(gate.c.site == bindparam("at_site"))
    .order_by(gate.c.gate)
)


def gates_at(
    session: Session, site: str, silent_after_s: float, *, is_every: bool = False
) -> list[GateNow]:
    """The gates of a site, of the registry and those that boxes tell of.

    Args:
        session: to read.
        site: which.
        silent_after_s: of gates of which the registry knows no period.
        is_every: those too that were never heard of.
    """
    heard = {row.gate: row for row in session.rows(_GATES, {"at_site": site})}
    found: dict[str, GateNow] = {}
    if is_every:
        devices = devices_at(session, site)
    else:
        # A site may have thousands of other devices.
        devices = list(find(session, [Ref(DEVICE.name, name) for name in heard]).values())
    for device in devices:
        place = place_of(device)
        if place is not None and place.site == site:
            facts = device.facts
            assert isinstance(facts, DeviceFacts)  # noqa: S101 - for the types; `place_of` saw it
            after_s = silent_after_s if facts.period_s is None else _PERIODS * facts.period_s
            row = heard.get(place.gate)
            found[place.gate] = GateNow(
                place.gate,
                site,
                place.lot,
                facts.name,
                place.level or None,
                place.level_from or None,
                None if row is None else row.edge,
                None if row is None else from_ms(_heard_ms(row)),
                after_s,
                0 if row is None else row.lost,
            )
    for name, row in heard.items():
        # A gate that is no longer in the registry counts for nothing; one of a box needs no entry.
        if name not in found and row.edge is not None:
            found[name] = GateNow(
                name,
                site,
                row.lot,
                None,
                row.level or None,
                row.level_from or None,
                row.edge,
                from_ms(_heard_ms(row)),
                silent_after_s,
                row.lost,
            )
    return [found[name] for name in sorted(found)]


def _heard_ms(row: Row) -> int:
    """A box that is there hears its gates, however quiet they are."""
    own = int(row.heard_ms)
    seen = row.seen_ms if row.edge is not None and not row.dead else None
    return max(own, int(seen or 0))


def gates_of(gates: Sequence[GateNow], lot: Lot) -> list[GateNow]:
    """Those that count a lot or level.

    Of a lot those that lead to none of its levels; where there are none, all its entrances.
    """
    own = [each for each in gates if each.lot == lot.lot]
    if lot.level:
        return [each for each in own if lot.level in {each.level, each.level_from}]
    own = [each for each in own if each.level_from is None]
    return [each for each in own if each.level is None] or own
