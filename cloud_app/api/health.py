"""Health, readiness and metrics of the service itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Response, status
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import BaseModel, Field
from sqlalchemy import select

from cloud_app.api.context import ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer
from cloud_app.api.policy import SiteSet
from cloud_app.errors import CloudError
from cloud_app.storage.edge_queries import EdgeFilter, edges_now

router = APIRouter(tags=["service"])


_ANYONE: dict[int | str, dict[str, Any]] = {code: REFUSALS[code] for code in (400, 408, 503)}


class ServiceHealth(BaseModel):
    """Readiness of the service."""

    ready: bool
    broker: str
    database: str
    kafka: str = Field(description="As a source of events: `off`, `ok` or `down`.")
    lake: str = Field(description="`off`, `ok`, or `behind`: events wait in the tables for it.")


@router.get("/health/live", responses=_ANYONE)
def get_live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get(
    "/health/ready",
    responses={
        **_ANYONE,
        503: {"model": ServiceHealth, "description": "a dependency is unavailable"},
    },
)
def get_ready(context: Context, response: Response) -> ServiceHealth:
    """Check that broker, database and, as a source of events, Kafka are available; 503 if not."""
    link = context.link_state()
    try:
        with context.database.read() as session:
            session.rows(select(1))
        database = "ok"
    except CloudError:
        # No details here: callers without a token may ask this.
        database = "down"
    kafka = _kafka(context)
    health = ServiceHealth(
        ready=link.connected and database == "ok" and kafka != "down",
        broker="ok" if link.connected else "down",
        database=database,
        kafka=kafka,
        lake=_lake(context),
    )
    if not health.ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return health


def _kafka(context: ApiContext) -> str:
    if context.kafka_problem is None:
        return "off"
    return "ok" if context.kafka_problem() is None else "down"


def _lake(context: ApiContext) -> str:
    if context.lake_health is None:
        return "off"
    return "ok" if context.lake_health().problem is None else "behind"


class _Figures(Collector):
    def __init__(self, context: ApiContext, sites: SiteSet) -> None:
        self._context = context
        self._sites = sites

    def collect(self) -> Iterable[Metric]:
        if self._sites.is_all:
            yield from self._of_service()
        yield from self._of_edges()

    def _of_service(self) -> Iterable[Metric]:
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

        if self._context.lake_health is not None:
            lake = self._context.lake_health()
            for name, what, value in (
                ("lake_pending", "Acknowledged events that the lake lacks", lake.pending),
                (
                    "lake_failing",
                    "1 while the lake cannot be written",
                    int(lake.problem is not None),
                ),
            ):
                yield GaugeMetricFamily(f"lotsight_cloud_{name}", what, value=value)

    def _of_edges(self) -> Iterable[Metric]:
        with self._context.database.read() as session:
            edges = edges_now(session, self._context.now(), EdgeFilter(self._sites.wanted))
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


@router.get(
    "/metrics",
    dependencies=[Bearer],
    response_class=PlainTextResponse,
    responses={**REFUSALS, 200: {"content": {CONTENT_TYPE_LATEST: {}}}},
)
def get_metrics(context: Context, access: Caller) -> Response:
    """Prometheus metrics of the visible edges, and of the service for callers who see all sites."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(context, access.sites))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
