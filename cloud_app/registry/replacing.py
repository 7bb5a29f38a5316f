"""A device that takes another one's place: its bay, its lot and what else was said of it.

Both keep their histories: the old one shows when it lost the bay and to whom the bay went stands in
the new one's first entry, written in the same transaction.
"""

from __future__ import annotations

from cloud_app.registry.edits import Edit, amend, state
from cloud_app.registry.errors import FactsError, Fault
from cloud_app.registry.kinds import DEVICE, Ref
from cloud_app.registry.things import Said, Thing, find_one
from cloud_app.storage.database import Session

_OF_ONE_DEVICE = frozenset({"serial", "firmware"})
"""Facts that no other device has."""
_PLACE = ("lot", "bay")


def replace_device(session: Session, old: Edit, new: str, given: Said) -> tuple[Thing, Thing]:
    """Put a new device in the place of an old one, which keeps its site and nothing else there.

    Args:
        session: a transaction that writes.
        old: the device that goes, and the version of it that was read.
        new: id of the one that comes; it must be new, or known and without a bay.
        given: facts of the new one, such as its serial number; all else is as with the old one.

    Returns:
        The old one and the new one, as they are now.

    Raises:
        UnknownThingError: the old one is not there.
        StaleWriteError: the old one has another version.
        FactsError: the old one watches nothing, the new one watches something, or facts are wrong.
    """
    before = find_one(session, old.ref)
    ref = Ref(DEVICE.name, new)
    if ref == old.ref:
        raise FactsError([Fault("device", "expected another device, but got the same")])
    taken = {} if before is None else dict(before.said)
    if before is not None and taken.get("bay") is None and taken.get("lot") is None:
        told = f"expected a device with a bay or lot, but {old.ref.key} has none to hand on"
        raise FactsError([Fault("device", told)])
    known = find_one(session, ref)
    if known is not None and (known.said.get("bay") or known.said.get("lot")):
        raise FactsError([Fault("device", f"{new} has its own place already")])
    # First the old one: of a bay two devices would be two sources for a moment.
    left = amend(session, old, dict.fromkeys(_PLACE))
    facts = {name: value for name, value in taken.items() if name not in _OF_ONE_DEVICE}
    version = None if known is None else known.version
    own = {} if known is None else dict(known.said)
    edit = Edit(ref, old.actor, old.now_ms, version)
    come = state(session, edit, {**facts, **_said(own), **_said(given)})
    return left, come


def _said(facts: Said) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value is not None}
