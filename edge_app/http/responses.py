"""What the API answers: from the live state's views and the box's report to pydantic views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from edge_app.http.explanations import blocked_words, explained
from edge_app.http.health import cameras_that_start, standing_alarms
from edge_app.http.views import (
    BayEvidence,
    BayView,
    BoxView,
    CameraView,
    ChangeView,
    Counts,
    FrameEvidence,
    IncidentView,
    LaneView,
    Occupancy,
    VehicleView,
)
from edge_app.live_state import LiveState, LiveView, RecentEvent
from edge_app.report import BoxReport
from telemetry import BayState
from vision.assignment import footprint_overlap
from vision.geometry import to_pixels
from vision.incidents import Incident

_VEHICLE_OVERLAP = 0.05
_LAST_EVENTS = 10


def bay_view(view: LiveView, index: int, report: BoxReport) -> BayView:
    """One bay."""
    state = view.states[index]
    bay = view.calibration.bay(state.bay) if view.calibration is not None else None
    outline = view.polygons_norm[index] if index < len(view.polygons_norm) else ()
    return BayView(
        id=state.bay,
        camera=view.camera,
        state=Occupancy.of(state.occ),
        occupied=state.occ,
        reason=state.reason,
        confidence=round(state.conf, 4),
        since=state.since,
        closed=state.bay in report.closed_bays,
        blocked=report.blocked_bays.get(state.bay),
        kind=bay.kind if bay is not None else None,
        zone=bay.zone if bay is not None else None,
        polygon=tuple((round(float(x), 5), round(float(y), 5)) for x, y in outline),
    )


def all_bays(live_state: LiveState, report: BoxReport) -> tuple[BayView, ...]:
    """Bays of all cameras, in the calibrations' order, then those that only sensors watch."""
    return tuple(
        bay_view(view, index, report)
        for view in live_state.views()
        for index in range(len(view.states))
    )


def views(live_state: LiveState) -> list[LiveView]:
    """The latest view of each camera."""
    found = [live_state.latest(camera) for camera in live_state.cameras()]
    return [view for view in found if view is not None]


def find_bay(live_state: LiveState, bay: str) -> tuple[LiveView, int] | None:
    """The view that holds a bay, and its place there."""
    for view in live_state.views():
        for index, state in enumerate(view.states):
            if state.bay == bay:
                return view, index
    return None


def counts(live_state: LiveState) -> Counts:
    """How many bays are free, occupied and unknown."""
    return counted(state for view in live_state.views() for state in view.states)


def counted(states: Iterable[BayState]) -> Counts:
    """How many bays are free, occupied and unknown."""
    found = Counter(Occupancy.of(state.occ) for state in states)
    return Counts(
        free=found[Occupancy.FREE],
        occupied=found[Occupancy.OCCUPIED],
        unknown=found[Occupancy.UNKNOWN],
        total=found.total(),
    )


def camera_view(view: LiveView) -> CameraView:
    """One camera."""
    calibration = view.calibration
    image_wh = calibration.image_wh if calibration is not None else None
    if view.frame is not None:
        height, width = view.frame.image_bgr.shape[:2]
        image_wh = width, height
    bays = counted(view.states)
    return CameraView(
        id=view.camera,
        **asdict(view.status),
        image_wh=image_wh,
        lot=calibration.lot.name if calibration is not None else None,
        calibration_revision=calibration.revision if calibration is not None else None,
        bays=bays.total,
        **bays.model_dump(exclude={"total"}),
    )


def change_view(event: RecentEvent) -> ChangeView:
    """One change of a bay."""
    state = event.state
    return ChangeView(
        bay=state.bay,
        camera=event.camera,
        state=Occupancy.of(state.occ),
        occupied=state.occ,
        reason=state.reason,
        confidence=round(state.conf, 4),
        cause=event.cause,
        since=state.since,
        at=event.utc,
    )


def incident_view(incident: Incident) -> IncidentView:
    """One incident."""
    box = incident.box_norm
    return IncidentView(
        id=incident.id,
        kind=incident.kind,
        camera=incident.camera,
        bays=incident.bays,
        area=incident.area or None,
        vehicle=incident.vehicle,
        confidence=round(incident.conf, 3),
        box=None if box is None else _box(box, 5),
        began=incident.began,
        last_seen=incident.last_seen,
        stood_s=incident.stood_s,
        limit_s=incident.limit_s,
    )


def incident_views(live_state: LiveState, camera: str | None = None) -> tuple[IncidentView, ...]:
    """The incidents that last, oldest first."""
    return tuple(incident_view(each) for each in live_state.incidents(camera))


def box_view(report: BoxReport, live_state: LiveState) -> BoxView:
    """The box, its cameras and its bays in figures."""
    return BoxView(
        site=report.site,
        edge=report.edge,
        version=report.version,
        started_utc=report.started_utc,
        uptime_s=report.uptime_s,
        now_utc=report.now_utc,
        model=report.model,
        link=report.link,
        outbox=report.outbox,
        alarms=standing_alarms(live_state, report),
        starting=tuple(cameras_that_start(live_state)),
        bays=counts(live_state),
        closed_bays=tuple(sorted(report.closed_bays)),
        by_eye=report.by_eye,
        blocked_bays=dict(sorted(report.blocked_bays.items())),
        cameras=tuple(map(camera_view, views(live_state))),
        incidents=incident_views(live_state),
        lanes=tuple(LaneView(**asdict(lane)) for lane in live_state.lanes()),
        audits=report.audits,
        harvest=report.harvest,
        sensing=report.sensing,
        outputs=report.outputs,
        disk_free_bytes=report.disk_free_bytes,
        memory_bytes=report.memory_bytes,
        temperature_c=report.temperature_c,
    )


def bay_evidence(
    view: LiveView, index: int, report: BoxReport, live_state: LiveState
) -> BayEvidence:
    """Why a bay has the state it has: what the last frame showed, and how it came to be."""
    state, frame = view.states[index], view.frame
    vehicles = _vehicles(view, index)
    probability = None
    if view.bay_prob is not None and index < len(view.bay_prob):
        probability = round(float(view.bay_prob[index]), 4)
    found = next((each for each in report.sensing.bays if each.bay == state.bay), None)
    changes = [change_view(e) for e in live_state.events(200) if e.state.bay == state.bay]
    return BayEvidence(
        **dict(bay_view(view, index, report)),
        frame=FrameEvidence(
            number=frame.number if frame is not None else None,
            captured=frame.captured_utc if frame is not None else None,
            probability=probability,
            vehicles=vehicles,
            condition=view.status.condition,
            shift_px=view.status.shift_px,
        ),
        model=report.model,
        calibration_revision=view.calibration.revision if view.calibration else None,
        picture=f"/api/v1/bays/{state.bay}/picture.jpg",
        events=tuple(changes[:_LAST_EVENTS]),
        explanation=explained(found, view, state, probability, vehicles)
        + blocked_words(report.blocked_bays.get(state.bay)),
        sources=() if found is None else found.words,
    )


def _vehicles(view: LiveView, index: int) -> tuple[VehicleView, ...]:
    """Vehicles of the last frame whose footprint meets the bay, most overlap first."""
    if view.frame is None or not len(view.detections) or index >= len(view.polygons_norm):
        return ()
    height, width = view.frame.image_bgr.shape[:2]
    polygon = to_pixels(view.polygons_norm[index], (width, height))
    overlap = footprint_overlap(view.detections.xyxy_px, [polygon])[:, 0]
    return tuple(
        VehicleView(
            overlap=round(float(overlap[i]), 3),
            confidence=round(float(view.detections.confidence[i]), 3),
            box=_box(view.detections.xyxy_px[i], 1),
        )
        for i in np.argsort(-overlap)
        if overlap[i] > _VEHICLE_OVERLAP
    )


def _box(sides: Iterable[float], digits: int) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (round(float(side), digits) for side in sides)
    return x1, y1, x2, y2
