"""Incidents on the box's pages: as JSON and as metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_app.http.bodies import Body
from edge_app.live import LiveBoard
from vision.incidents import Incident


def incident_body(incident: Incident) -> Body:
    """One incident."""
    return {
        "id": incident.id,
        "kind": incident.kind,
        "camera": incident.camera,
        "bays": list(incident.bays),
        "area": incident.area or None,
        "vehicle": incident.vehicle,
        "confidence": round(incident.conf, 3),
        "box": None if incident.box_norm is None else [round(s, 5) for s in incident.box_norm],
        "began": incident.began.isoformat(),
        "last_seen": incident.last_seen.isoformat(),
        "stood_s": incident.stood_s,
        "limit_s": incident.limit_s,
    }


def incident_bodies(board: LiveBoard, camera: str | None = None) -> list[Body]:
    """The incidents that last, oldest first."""
    return [incident_body(each) for each in board.incidents(camera)]


def incident_metrics(board: LiveBoard) -> Iterator[Metric]:
    """How many incidents last, and how many began."""
    labels = ["camera", "kind"]
    lasting = GaugeMetricFamily("lotsight_incidents_open", "Incidents that last.", labels=labels)
    begun = CounterMetricFamily(
        "lotsight_incidents", "Incidents that began since the start.", labels=labels
    )
    counts = board.incident_counts()
    now = Counter((each.camera, each.kind) for each in board.incidents())
    for camera, kind in sorted(counts.keys() | now.keys()):
        lasting.add_metric([camera, kind], now[camera, kind])
        begun.add_metric([camera, kind], counts.get((camera, kind), 0))
    yield from (lasting, begun)
