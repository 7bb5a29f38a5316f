"""Prometheus metrics, collected from the live state and the box at each scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edge_app.alarms import Alarm
from edge_app.http.harvest_metrics import harvest_metrics
from edge_app.http.health import reasons, standing_alarms
from edge_app.http.incident_metrics import incident_metrics
from edge_app.http.responses import counted, views
from edge_app.live_state import CameraCondition, LiveState, LiveView
from edge_app.report import Box, BoxReport

_CAMERA_COUNTERS = (
    ("frames", "Frames decoded."),
    ("judged", "Frames judged by the network."),
    ("dropped", "Frames replaced by a newer one before they were judged."),
    ("gated", "Frames skipped by the change gate."),
    ("restarts", "Times the source was reopened after a failure."),
    ("broken", "Incomplete frames that were discarded."),
)


class BoxCollector(Collector):
    """Bays, cameras, audit, incidents, outbox, link, harvest and machine.

    Args:
        live_state: cameras and bays.
        box: the rest.
    """

    def __init__(self, live_state: LiveState, box: Box) -> None:
        self._live_state, self._box = live_state, box

    def collect(self) -> Iterator[Metric]:
        """All metrics as of now."""
        report = self._box.report()
        found = views(self._live_state)
        yield from _bays(found)
        yield from _cameras(found)
        yield from _audits(report)
        yield from incident_metrics(self._live_state)
        yield from _outbox(report)
        yield from harvest_metrics(report.harvest)
        standing = standing_alarms(self._live_state, report)
        yield _alarms(standing)
        is_ready = not reasons(self._live_state, report)
        yield from _machine(report, is_ready, len(standing))


def registry_of(live_state: LiveState, box: Box) -> CollectorRegistry:
    """A registry of this box alone: no metrics of whatever else runs in the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoxCollector(live_state, box))
    return registry


def _bays(views: list[LiveView]) -> Iterator[Metric]:
    bays = GaugeMetricFamily("lotsight_bays", "Bays by state.", labels=["camera", "state"])
    for view in views:
        for name, count in counted(view.states).model_dump(exclude={"total"}).items():
            bays.add_metric([view.camera, name], count)
    yield bays


def _cameras(views: list[LiveView]) -> Iterator[Metric]:
    condition = GaugeMetricFamily(
        "lotsight_camera_condition",
        "1 for the camera's current condition.",
        labels=["camera", "condition"],
    )
    rate = GaugeMetricFamily(
        "lotsight_camera_judged_hz", "Frames judged per second.", labels=["camera"]
    )
    infer = GaugeMetricFamily(
        "lotsight_camera_inference_seconds",
        "Duration of the last inference pass.",
        labels=["camera"],
    )
    last = GaugeMetricFamily(
        "lotsight_camera_last_frame_timestamp_seconds",
        "Unix time of the last frame.",
        labels=["camera"],
    )
    for view in views:
        for each in CameraCondition:
            condition.add_metric([view.camera, each.value], float(each is view.status.condition))
        rate.add_metric([view.camera], view.status.fps)
        infer.add_metric([view.camera], view.status.infer_ms / 1000)
        if view.status.last_frame_utc is not None:
            last.add_metric([view.camera], view.status.last_frame_utc.timestamp())
    yield from (condition, rate, infer, last)
    for name, text in _CAMERA_COUNTERS:
        counter = CounterMetricFamily(f"lotsight_camera_{name}", text, labels=["camera"])
        for view in views:
            counter.add_metric([view.camera], getattr(view.status, name))
        yield counter


def _audits(report: BoxReport) -> Iterator[Metric]:
    accuracy = GaugeMetricFamily(
        "lotsight_audit_accuracy",
        "Share of bay states confirmed by second opinions; low and high bound a 95 % interval.",
        labels=["camera", "bound"],
    )
    looks = GaugeMetricFamily(
        "lotsight_audit_looks", "Images in the accuracy estimate.", labels=["camera"]
    )
    for camera, audit in report.audits.items():
        for bound in ("low", "accuracy", "high"):
            accuracy.add_metric([camera, bound], getattr(audit, bound))
        looks.add_metric([camera], audit.looks)
    yield from (accuracy, looks)


def _outbox(report: BoxReport) -> Iterator[Metric]:
    outbox, link = report.outbox, report.link
    gauges: list[tuple[str, str, float]] = [
        ("outbox_rows", "Events waiting for delivery.", outbox.rows),
        ("outbox_bytes", "Size of these events.", outbox.size_bytes),
        ("outbox_oldest_seconds", "Age of the oldest waiting event.", outbox.oldest_age_s),
        ("outbox_quarantined", "Events rejected by the broker.", outbox.quarantined),
        ("store_degraded", "1 while the store cannot be written.", float(outbox.degraded)),
    ]
    yield CounterMetricFamily("lotsight_outbox_evicted", "Events discarded.", value=outbox.evicted)
    if link is not None:
        gauges.append(("mqtt_connected", "1 while connected to the broker.", float(link.connected)))
        yield CounterMetricFamily("lotsight_mqtt_sent", "Events sent.", value=link.sent)
        yield CounterMetricFamily("lotsight_mqtt_refused", "Events rejected.", value=link.refused)
    for name, text, value in gauges:
        yield GaugeMetricFamily(f"lotsight_{name}", text, value=value)


def _alarms(standing: Iterable[Alarm]) -> Metric:
    family = GaugeMetricFamily(
        "lotsight_alarm", "Active alarms by kind.", labels=["kind", "camera"]
    )
    # The link may have several, which their kind does not tell apart.
    for (kind, camera), count in Counter((a.kind, a.camera or "") for a in standing).items():
        family.add_metric([kind, camera], count)
    return family


def _machine(report: BoxReport, is_ready: bool, alarms: int) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "lotsight_info",
        "1; labelled with the versions in use.",
        labels=["site", "edge", "version", "model", "model_version"],
    )
    model = report.model
    names = [model.name, model.version] if model is not None else ["", ""]
    info.add_metric([report.site, report.edge, report.version, *names], 1)
    yield info
    figures: list[tuple[str, str, float | None]] = [
        ("ready", "1 while no alarm is active and every camera has started.", float(is_ready)),
        ("alarms", "Active alarms.", alarms),
        ("uptime_seconds", "Since the service started.", report.uptime_s),
        ("disk_free_bytes", "Of the state folder.", report.disk_free_bytes),
        ("memory_bytes", "Resident memory of the service.", report.memory_bytes),
        ("temperature_celsius", "Hottest sensor.", report.temperature_c),
    ]
    for name, text, value in figures:
        if value is not None:
            yield GaugeMetricFamily(f"lotsight_{name}", text, value=value)
