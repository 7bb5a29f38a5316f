"""How urgently an image must be seen by the network, from gate and evidence. Pure."""

from __future__ import annotations

from edge_app.schedule import PassRequest, Urgency
from vision.change_gate import Finding
from vision.evidence import EvidenceFilter

_URGENCIES = {
    Finding.CHANGED: Urgency.CHANGED,
    Finding.EVERYTHING: Urgency.HEARTBEAT,
    Finding.HEARTBEAT: Urgency.HEARTBEAT,
    Finding.FIRST: Urgency.STARTING,
}


def urgency_of(bays: EvidenceFilter, found: Finding | None, now_s: float) -> Urgency | None:
    """How urgent the pass of an image is; None when nothing asks for one.

    Args:
        bays: what is believed of the camera's bays.
        found: by the change gate; None when there is none, so that every image counts.
        now_s: when the image was captured, monotonic.
    """
    wanted = [Urgency.EVERY] if found is None else []
    if found is not None and found is not Finding.NOTHING:
        wanted.append(_URGENCIES[found])
    if bays.is_starting():
        wanted.append(Urgency.STARTING)
    elif bays.is_settling():
        decides_s = bays.decides_at_s()
        if decides_s is None:
            wanted.append(Urgency.CHANGED)
        else:
            wanted.append(Urgency.DECIDING if decides_s <= now_s else Urgency.SETTLING)
    return min(wanted, default=None)


def request_for_next(bays: EvidenceFilter, *, has_gate: bool) -> PassRequest | None:
    """The pass that a camera's next image is worth, whatever it shows; None: it depends."""
    if bays.is_starting():
        return PassRequest(Urgency.STARTING, has_picture=False)
    if bays.is_settling():
        return PassRequest(Urgency.SETTLING, has_picture=False)
    return None if has_gate else PassRequest(Urgency.EVERY, has_picture=False)
