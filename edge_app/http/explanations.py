"""Why a bay has the state it has, in a sentence or two, for people who know cars."""

from __future__ import annotations

from edge_app.http.views import Occupancy, VehicleView
from edge_app.live_state import LiveView
from edge_app.sensing import SourcesReport, WordReport
from sensors.reconcile import Role, SourceKind, Why
from telemetry import BayState, Blocked, BlockKind
from telemetry.bay_sensors import SENSORS_CAMERA

_SURE = 0.5
_WHY = {
    Why.BY_HAND: "it was set by hand",
    Why.ONLY_ONE: "nobody else knows",
    Why.AGREED: "all who know agree",
    Why.OUTWEIGHS: "the sources differ, and this side weighs more",
}


def explained(
    sources: SourcesReport | None,
    view: LiveView,
    state: BayState,
    prob: float | None,
    vehicles: tuple[VehicleView, ...],
) -> str:
    """The evidence in words.

    Args:
        sources: what is said of a bay that sensors watch; None where none does.
        view: of the camera that sees it.
        state: of the bay.
        prob: what the network gives for a car in the last picture; None: it was not judged.
        vehicles: whose footprint meets the bay.
    """
    if sources is None:
        return _sentence(view, state, prob, vehicles)
    said = _said_of(sources, state)
    words = "; ".join(_word(each) for each in sources.words)
    seen = "" if view.camera == SENSORS_CAMERA else " " + _picture(view, prob)
    return f"{said} {words}.{seen}".rstrip()


def _said_of(sources: SourcesReport, state: BayState) -> str:
    if state.occ is None:
        return f"State unknown: {str(state.reason).replace('_', ' ')}."
    believed = next((e.source for e in sources.words if e.role is Role.BELIEVED), "nobody")
    why = _WHY.get(sources.why, str(sources.why))
    return f"Bay {state.bay} is {Occupancy.of(state.occ)}: {believed} is believed, since {why}."


def _word(word: WordReport) -> str:
    kind = "camera" if word.kind is SourceKind.CAMERA else "sensor"
    says = str(word.reason).replace("_", " ")
    if word.occupied is not None:
        says = Occupancy.of(word.occupied).value
    return f"{kind} {word.source} says {says} ({word.role})"


def _picture(view: LiveView, prob: float | None) -> str:
    if prob is None:
        return ""
    return f"The network gives {prob:.0%} for a car in it in the last picture of {view.camera}."


def _sentence(
    view: LiveView, state: BayState, prob: float | None, vehicles: tuple[VehicleView, ...]
) -> str:
    """The evidence in words, for people who know cars rather than networks."""
    if state.occ is None:
        detail = f" ({view.status.detail})" if view.status.detail else ""
        return f"State unknown: {str(state.reason).replace('_', ' ')}{detail}."
    said = f"Bay {state.bay} is {Occupancy.of(state.occ)} with {state.conf:.0%} confidence."
    if prob is not None:
        agrees = (prob > _SURE) == state.occ
        turn = (
            ""
            if agrees
            else ", contradicting the state, which changes once this has held for a while"
        )
        said += f" The network gives {prob:.0%} for a vehicle in the last image{turn}."
    if vehicles:
        best = vehicles[0]
        said += (
            f" A vehicle ({best.confidence:.0%} confidence) overlaps it by {best.overlap:.0%} on "
            "the ground."
        )
    elif view.detections.confidence.size:
        said += " No vehicle's footprint overlaps it."
    return said


_BLOCKED = {
    BlockKind.NEIGHBOUR: "a vehicle stands over the line beside it",
    BlockKind.OBSTACLE: "something that is no vehicle stands in it",
    BlockKind.SNOW: "snow lies in it",
}


def blocked_words(blocked: Blocked | None) -> str:
    """Why no vehicle can use a bay, as a further sentence; empty where nothing blocks it."""
    if blocked is None:
        return ""
    said = f" No vehicle can use it: {_BLOCKED[blocked.kind]}"
    if blocked.share is not None:
        said += f" and covers {blocked.share:.0%} of its width"
    return f"{said} (said by a {blocked.by}, {blocked.conf:.0%})."
