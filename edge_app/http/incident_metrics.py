"""Incidents as metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_app.live_state import LiveState


def incident_metrics(live_state: LiveState) -> Iterator[Metric]:
    """How many incidents last, and how many began."""
    labels = ["camera", "kind"]
    lasting = GaugeMetricFamily("lotsight_incidents_open", "Open incidents.", labels=labels)
    begun = CounterMetricFamily(
        "lotsight_incidents", "Incidents opened since startup.", labels=labels
    )
    counts = live_state.incident_counts()
    now = Counter((each.camera, each.kind) for each in live_state.incidents())
    for camera, kind in sorted(counts.keys() | now.keys()):
        lasting.add_metric([camera, kind], now[camera, kind])
        begun.add_metric([camera, kind], counts.get((camera, kind), 0))
    yield from (lasting, begun)
