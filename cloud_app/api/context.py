"""What the routes share, and how they get at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, status

from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.audit import Actor
from cloud_app.api.access import Doorkeeper
from cloud_app.api.feed import LiveFeed
from cloud_app.api.policy import Access
from cloud_app.config import CloudConfig
from cloud_app.ingest.gates.intake import GateIntake
from cloud_app.ingest.link import LinkState
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.worker import Counts
from cloud_app.lake.health import LakeHealth
from cloud_app.shadow_service import ShadowService
from cloud_app.storage.database import Database, Session
from cloud_app.storage.edge_queries import site_of
from cloud_app.storage.queries import Now, lot_size
from cloud_app.storage.times import to_ms
from telemetry import Clock
from telemetry.topics import Topic


@dataclass(frozen=True, slots=True)
class ApiContext:
    """What the routes work with.

    Attributes:
        config: of the whole service.
        database: what they read.
        clock: for staleness.
        doorkeeper: who may.
        feed: live updates.
        link_state: how the broker's link stands.
        counts: what the ingest has done.
        shadows: the shadow service; None where the broker has its own.
        publish: tells the broker what a write changed.
        accounts: people, keys, and the audit log of what they do.
        sensors: takes in what sensors send by HTTP.
        gates: takes in what gates send by HTTP.
        lake_health: how the lake stands; None without one.
        kafka_problem: why no events come from Kafka; None where they do not come from there.
    """

    config: CloudConfig
    database: Database
    clock: Clock
    doorkeeper: Doorkeeper
    feed: LiveFeed
    link_state: Callable[[], LinkState]
    counts: Counts
    shadows: ShadowService | None
    publish: Callable[[Topic, bytes], None]
    accounts: Accounts
    sensors: SensorIntake
    gates: GateIntake
    lake_health: Callable[[], LakeHealth] | None = None
    kafka_problem: Callable[[], str | None] | None = None

    def now(self) -> Now:
        """The moment of a request."""
        stale_after_ms = int(self.config.ingest.stale_after_s * 1000)
        return Now(to_ms(self.clock.utc()), stale_after_ms)

    def owner(self, session: Session, site: str | None) -> str | None:
        """The tenant whose audit log tells of a site; None: unknown."""
        found = None if site is None else self.accounts.tenants.owner(session, site)
        return None if found is None else str(found)


def context_of(request: Request) -> ApiContext:
    """The context of the app that serves a request."""
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(context_of)]


def _access(request: Request) -> Access:
    # The gate put it there, after it saw that the caller may use this route.
    access: Access = request.state.access
    return access


Caller = Annotated[Access, Depends(_access)]


def address_of(request: Request) -> str:
    """The network address that a request came from; of a trusted proxy the one that it names."""
    return "unknown" if request.client is None else request.client.host


def _actor(request: Request, access: Caller, context: Context) -> Actor:
    now_ms = to_ms(context.clock.utc())
    return Actor(access.kind, access.name, address_of(request), now_ms)


ActorNow = Annotated[Actor, Depends(_actor)]
"""Who changes something, for the audit log."""


@dataclass(frozen=True, slots=True)
class ReadingRequest:
    """A request that reads: who asks, and one state of the database to answer from.

    Attributes:
        access: what it may see.
        session: to read with.
        context: the rest.
    """

    access: Access
    session: Session
    context: ApiContext

    def now(self) -> Now:
        """The moment of the request."""
        return self.context.now()

    def sites(self, site: str | None = None) -> frozenset[str] | None:
        """For queries: the sites that the caller sees, or of them the one asked for."""
        return self.access.sites.only(site).wanted

    def site(self, site: str) -> str:
        """`site`, if the caller may see it.

        Raises:
            HTTPException: 404, as for a site that does not exist.
        """
        if not self.access.sites.sees(site):
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no site {site!r}")
        return site

    def lot(self, site: str, lot: str) -> str:
        """`lot`, if it has bays and the caller may see its site.

        Raises:
            HTTPException: 404.
        """
        if not lot_size(self.session, self.site(site), lot):
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no lot {lot!r} at {site!r}")
        return lot

    def edge(self, edge: str) -> str:
        """`edge`, if it is known and the caller may see its site.

        Raises:
            HTTPException: 404.
        """
        site = site_of(self.session, edge)
        if site is None or not self.access.sites.sees(site):
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no edge {edge!r}")
        return edge


@contextmanager
def reading(context: ApiContext, access: Access) -> Iterator[ReadingRequest]:
    """Open one state of the database for `access`."""
    with context.database.read() as session:
        yield ReadingRequest(access, session, context)


def _reading(context: Context, access: Caller) -> Iterator[ReadingRequest]:
    with reading(context, access) as request:
        yield request


# Over before the answer is sent: a slow reader must not hold a connection of the pool.
Reading = Annotated[ReadingRequest, Depends(_reading, scope="function")]
