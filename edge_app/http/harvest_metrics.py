"""The harvest as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge_app.harvest.counters import HarvestStats


def harvest_metrics(harvest: HarvestStats | None) -> Iterator[Metric]:
    """What is kept, refused, evicted and sent; nothing while the harvest is disabled."""
    if harvest is None:
        return
    frames = GaugeMetricFamily(
        "lotsight_harvest_frames", "Frames kept on the disk.", labels=["camera"]
    )
    for camera, count in sorted(harvest.frames.items()):
        frames.add_metric([camera], count)
    yield frames
    for name, text, by_limit in (
        ("refused", "Frames worth keeping that were dropped.", harvest.refused),
        ("evicted", "Kept frames that were removed.", harvest.evicted),
    ):
        counter = CounterMetricFamily(f"lotsight_harvest_{name}", text, labels=["limit"])
        for limit, count in by_limit.items():
            counter.add_metric([limit], count)
        yield counter
    shipments = CounterMetricFamily(
        "lotsight_harvest_shipments", "Bundles requested by jobs.", labels=["outcome"]
    )
    shipments.add_metric(["sent"], harvest.sent)
    shipments.add_metric(["failed"], harvest.failed)
    yield shipments
    for name, text, count in (
        ("kept", "Frames kept.", harvest.kept),
        ("shipped_frames", "Frames in the bundles sent.", harvest.sent_frames),
        ("shipped_bytes", "Size of the bundles sent.", harvest.sent_bytes),
        ("faults", "Frames and bundles that could not be written or sent.", harvest.faults),
    ):
        yield CounterMetricFamily(f"lotsight_harvest_{name}", text, value=count)
    gauges = [
        ("bytes", "Size of the kept frames.", float(harvest.size_bytes)),
        ("max_bytes", "Size limit of the kept frames.", float(harvest.max_bytes)),
    ]
    if harvest.last_fault is not None:
        text = "Unix time of the last fault; see the status page for its text."
        gauges.append(("last_fault_timestamp_seconds", text, harvest.last_fault.utc.timestamp()))
    for name, text, value in gauges:
        yield GaugeMetricFamily(f"lotsight_harvest_{name}", text, value=value)
