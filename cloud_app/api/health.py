"""Health, readiness and metrics of the service itself."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Response, status
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel

from cloud_app.api.context import ApiContext, Context, Reader
from cloud_app.errors import CloudError
from cloud_app.storage.queries import edges_now

router = APIRouter(tags=["service"])


class ServiceHealth(BaseModel):
    """Whether this service can do its work."""

    ready: bool
    broker: str
    database: str
    messages: int
    events: int
    unreadable: int
    retries: int


@router.get("/health/live")
def get_live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/ready")
def get_ready(context: Context, response: Response) -> ServiceHealth:
    """Broker and database are at hand; 503 if not."""
    link = context.link_state()
    try:
        with context.database.read() as session:
            session.rows("SELECT 1")
        database = "ok"
    except CloudError:
        # No details here: whoever has no token may ask this.
        database = "down"
    health = ServiceHealth(
        ready=link.connected and database == "ok",
        broker="ok" if link.connected else "down",
        database=database,
        messages=context.counts.messages,
        events=context.counts.events,
        unreadable=context.counts.unreadable,
        retries=context.counts.retries,
    )
    if not health.ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return health


class _Figures(Collector):
    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def collect(self) -> Iterable[Metric]:
        counts, link = self._context.counts, self._context.link_state()
        for name, what, value in (
            ("messages", "Messages committed", counts.messages),
            ("events", "Events among them", counts.events),
            ("batches", "Transactions", counts.batches),
            ("unreadable", "Messages that went to the quarantine", counts.unreadable),
            ("misplaced", "Messages under a site that is not their edge's", counts.misplaced),
            ("shed", "Messages of edges over their budget, dropped to be sent again", counts.shed),
            ("retries", "Batches that had to wait for database or sink", counts.retries),
        ):
            yield CounterMetricFamily(f"lotsight_cloud_{name}", what, value=value)
        yield GaugeMetricFamily(
            "lotsight_cloud_broker_connected", "1 while connected", value=int(link.connected)
        )
        with self._context.database.read() as session:
            edges = edges_now(session, self._context.now())
        for name, what, value in (
            ("edges", "Edges known", len(edges)),
            ("edges_stale", "Edges offline or silent", sum(edge.stale for edge in edges)),
            (
                "stream_backlog",
                "Events known to exist and not yet here",
                sum(edge.stream.top - edge.stream.upto for edge in edges if edge.stream),
            ),
        ):
            yield GaugeMetricFamily(f"lotsight_cloud_{name}", what, value=value)


@router.get("/metrics")
def get_metrics(context: Context, _access: Reader) -> Response:
    """Prometheus metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(context))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
