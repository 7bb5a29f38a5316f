"""What the API answers, as plain data: from views, states and reports to JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from edge_app.harvest.ledger import HarvestFigures
from edge_app.http.health import cameras_that_start, standing_alarms
from edge_app.live import LiveBoard, LiveView, RecentEvent
from edge_app.report import BoxReport
from telemetry import BayState
from vision.assignment import footprint_overlap
from vision.geometry import to_pixels

Body = dict[str, Any]

_SAID = {True: "occupied", False: "free", None: "unknown"}
_VEHICLE_OVERLAP = 0.05
_SURE = 0.5


def state_name(state: BayState) -> str:
    """occupied, free or unknown."""
    return _SAID[state.occ]


def bay_body(view: LiveView, index: int, report: BoxReport) -> Body:
    """One bay."""
    state = view.states[index]
    bay = view.calibration.bay(state.bay) if view.calibration is not None else None
    return {
        "id": state.bay,
        "camera": view.camera,
        "state": state_name(state),
        "occupied": state.occ,
        "reason": state.reason,
        "confidence": round(state.conf, 4),
        "since": state.since.isoformat(),
        "closed": state.bay in report.closed_bays,
        "kind": bay.kind if bay is not None else None,
        "zone": bay.zone if bay is not None else None,
        "polygon": [[round(float(x), 5), round(float(y), 5)] for x, y in view.polygons_norm[index]]
        if index < len(view.polygons_norm)
        else [],
    }


def all_bays(board: LiveBoard, report: BoxReport) -> list[Body]:
    """Bays of all cameras, in the calibrations' order."""
    return [
        bay_body(view, index, report) for view in views(board) for index in range(len(view.states))
    ]


def views(board: LiveBoard) -> list[LiveView]:
    """The latest view of each camera."""
    found = [board.latest(camera) for camera in board.cameras()]
    return [view for view in found if view is not None]


def find_bay(board: LiveBoard, bay: str) -> tuple[LiveView, int] | None:
    """The view that holds a bay, and its place there."""
    for view in views(board):
        for index, state in enumerate(view.states):
            if state.bay == bay:
                return view, index
    return None


def counts(board: LiveBoard) -> Body:
    """How many bays are free, occupied and unknown."""
    names = [state_name(state) for view in views(board) for state in view.states]
    return {name: names.count(name) for name in ("free", "occupied", "unknown")} | {
        "total": len(names)
    }


def camera_body(view: LiveView) -> Body:
    """One camera."""
    status = asdict(view.status)
    last = view.status.last_frame_utc
    status["last_frame_utc"] = last.isoformat() if last is not None else None
    names = [state_name(state) for state in view.states]
    calibration = view.calibration
    size = None
    if view.frame is not None:
        size = [int(view.frame.image_bgr.shape[1]), int(view.frame.image_bgr.shape[0])]
    return {
        "id": view.camera,
        **status,
        "image_wh": size or (list(calibration.image_wh) if calibration is not None else None),
        "lot": calibration.lot.name if calibration is not None else None,
        "calibration_revision": calibration.revision if calibration is not None else None,
        "bays": len(names),
        "occupied": names.count("occupied"),
        "free": names.count("free"),
        "unknown": names.count("unknown"),
    }


def event_body(event: RecentEvent) -> Body:
    """One change of a bay."""
    return {
        "bay": event.state.bay,
        "camera": event.camera,
        "state": state_name(event.state),
        "occupied": event.state.occ,
        "reason": event.state.reason,
        "confidence": round(event.state.conf, 4),
        "cause": event.cause,
        "since": event.state.since.isoformat(),
        "at": event.utc.isoformat(),
    }


def report_body(report: BoxReport, board: LiveBoard) -> Body:
    """The box, its cameras and its bays in figures."""
    body = asdict(report)
    for name in ("started_utc", "now_utc"):
        body[name] = getattr(report, name).isoformat()
    body["closed_bays"] = sorted(report.closed_bays)
    body["audits"] = {
        camera: audit.model_dump(mode="json") for camera, audit in report.audits.items()
    }
    body["harvest"] = None if report.harvest is None else _harvest_body(report.harvest)
    body["bays"] = counts(board)
    body["cameras"] = [camera_body(view) for view in views(board)]
    body["alarms"] = [asdict(each) for each in standing_alarms(board, report)]
    body["starting"] = cameras_that_start(board)
    return body


def _harvest_body(harvest: HarvestFigures) -> Body:
    body = asdict(harvest)
    if harvest.last_fault is not None:
        body["last_fault"]["utc"] = harvest.last_fault.utc.isoformat()
    return body


def why_body(view: LiveView, index: int, report: BoxReport, board: LiveBoard) -> Body:
    """Why a bay has the state it has: what the last frame showed, and how it came to be."""
    state = view.states[index]
    vehicles = _vehicles(view, index)
    prob = None
    if view.bay_prob is not None and index < len(view.bay_prob):
        prob = round(float(view.bay_prob[index]), 4)
    events = [event_body(e) for e in board.events(200) if e.state.bay == state.bay][:10]
    body = bay_body(view, index, report) | {
        "frame": {
            "number": view.frame.number if view.frame is not None else None,
            "captured": view.frame.captured_utc.isoformat() if view.frame is not None else None,
            "probability": prob,
            "vehicles": vehicles,
            "condition": view.status.condition,
            "shift_px": view.status.shift_px,
        },
        "model": asdict(report.model) if report.model is not None else None,
        "calibration_revision": view.calibration.revision if view.calibration else None,
        "picture": f"/api/v1/bays/{state.bay}/picture.jpg",
        "events": events,
    }
    body["explanation"] = _sentence(view, state, prob, vehicles)
    return body


def _vehicles(view: LiveView, index: int) -> list[Body]:
    """Vehicles of the last frame whose footprint meets the bay, most overlap first."""
    if view.frame is None or not len(view.detections) or index >= len(view.polygons_norm):
        return []
    height, width = view.frame.image_bgr.shape[:2]
    polygon = to_pixels(view.polygons_norm[index], (width, height))
    overlap = footprint_overlap(view.detections.xyxy_px, [polygon])[:, 0]
    order = np.argsort(-overlap)
    return [
        {
            "overlap": round(float(overlap[i]), 3),
            "confidence": round(float(view.detections.confidence[i]), 3),
            "box": [round(float(side), 1) for side in view.detections.xyxy_px[i]],
        }
        for i in order
        if overlap[i] > _VEHICLE_OVERLAP
    ]


def _sentence(view: LiveView, state: BayState, prob: float | None, vehicles: list[Body]) -> str:
    """The evidence in words, for people who know cars rather than networks."""
    if state.occ is None:
        detail = f" ({view.status.detail})" if view.status.detail else ""
        return f"Nobody can say: {str(state.reason).replace('_', ' ')}{detail}."
    said = f"Bay {state.bay} is {state_name(state)} with {state.conf:.0%} confidence."
    if prob is not None:
        agrees = (prob > _SURE) == state.occ
        turn = "" if agrees else ", against the state: it changes once this has held for a while"
        said += f" The network gives {prob:.0%} for a car in it in the last picture{turn}."
    if vehicles:
        best = vehicles[0]
        said += (
            f" A vehicle ({best['confidence']:.0%} sure) stands over it, "
            f"with {best['overlap']:.0%} of overlap on the ground."
        )
    elif view.detections.confidence.size:
        said += " No vehicle's footprint touches it."
    return said
