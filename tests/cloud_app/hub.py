"""The API over a filled database: what tests of API and page share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.routing import BaseRoute

from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.passwords import Passwords
from cloud_app.api.access import Doorkeeper, digest_of
from cloud_app.api.app import create_app
from cloud_app.api.context import ApiContext
from cloud_app.api.feed import LiveFeed
from cloud_app.config import (
    AccountsConfig,
    CloudConfig,
    GatesConfig,
    HttpConfig,
    MailConfig,
    MapConfig,
    NotificationsConfig,
    RulesConfig,
    Scope,
    SensorsConfig,
    TokenConfig,
)
from cloud_app.ingest.gates.intake import GateIntake
from cloud_app.ingest.link import LinkState
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.worker import Counts
from cloud_app.shadow_service import ShadowService
from cloud_app.storage.database import Database
from cloud_app.storage.sqlite import SqliteDatabase
from http_server.serving import ServerConfig
from telemetry import ManualClock
from telemetry.topics import Topic
from tests.cloud_app.scripted_edge import START, ScriptedEdge
from tests.cloud_app.servers import wait_until
from tests.cloud_app.test_intake import take

# The same code at a cost that lets a test log in a thousand times.
FAST_PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

TOKENS = HttpConfig(
    host="0.0.0.0",
    tokens=(
        TokenConfig(name="ops", sha256=digest_of("all"), scopes=frozenset(Scope)),
        TokenConfig(name="city", sha256=digest_of("north-only"), sites=frozenset({"north"})),
    ),
)


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The app on a port of loopback; 0: a free one."""
    server = uvicorn.Server(
        ServerConfig(app, port=port, log_level="warning", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 20, "uvicorn to listen")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


_built: list[BaseRoute] = []


def _share_routes(app: FastAPI) -> None:
    """Give an app the routes that the first one has built: each would build the same ones anew.

    That takes half a second of processor time, and a thousand tests have an app of their own. What
    routes work with they find by the request's app.
    """
    places = [n for n, route in enumerate(app.routes) if hasattr(route, "original_router")]
    if not _built:
        _built.extend(app.routes[n] for n in places)
    for place, route in zip(places, _built, strict=True):
        app.router.routes[place] = route


@dataclass
class Hub:
    """An app over a database, with a clock that the test moves."""

    database: Database
    http: HttpConfig = field(default_factory=HttpConfig)
    clock: ManualClock = field(default_factory=lambda: ManualClock(epoch_utc=START))
    link: LinkState = field(default_factory=lambda: LinkState(True, 0, None))
    published: list[tuple[str, bytes]] = field(default_factory=list)
    people: AccountsConfig = field(default_factory=AccountsConfig)
    mail: MailConfig | None = None
    rules: RulesConfig = field(default_factory=RulesConfig)
    notifications: NotificationsConfig = field(default_factory=NotificationsConfig)
    gates: GatesConfig = field(default_factory=GatesConfig)
    map: MapConfig = field(default_factory=MapConfig)
    sensors: SensorsConfig = field(default_factory=SensorsConfig)

    def __post_init__(self) -> None:
        # The context comes later.
        self.feed = LiveFeed(self.database, lambda: self.context.now())  # noqa: PLW0108
        self.shadows = ShadowService(self.database, self.clock, "$aws")
        config = CloudConfig(
            http=self.http, accounts=self.people, mail=self.mail, rules=self.rules,
            notifications=self.notifications, gates=self.gates, map=self.map,
            sensors=self.sensors,
        )  # fmt: skip
        self.accounts = Accounts.of(config, self.database, FAST_PASSWORDS)
        self.context = ApiContext(
            config, self.database, self.clock,
            Doorkeeper(self.http, self.accounts, self.clock), self.feed, lambda: self.link,
            Counts(events=3), self.shadows, self._publish, self.accounts,
            SensorIntake(config.sensors, self.clock), GateIntake(config.gates, self.clock),
        )  # fmt: skip
        self.app = create_app(self.context)
        _share_routes(self.app)

    def _publish(self, topic: Topic, payload: bytes) -> None:
        self.published.append((str(topic), payload))

    @contextmanager
    def client(self, token: str | None = None) -> Iterator[httpx.Client]:
        """A client of the app, over a real socket."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with (
            serving(self.app) as url,
            httpx.Client(base_url=url, headers=headers, timeout=60) as client,
        ):
            yield client


def fill(hub: Hub, edge: ScriptedEdge) -> None:
    """Two hours of one box, ending now."""
    take(hub.database, edge.hello())
    events = [
        edge.change("a1", False, 0),
        edge.change("a2", False, 0),
        edge.change("a1", True, 3600),
        edge.change("a1", False, 1800),
        edge.change("a1", True, 1800),
    ]
    take(hub.database, events)
    hub.clock.now_s = (edge.now - START).total_seconds()


@contextmanager
def feeding(feed: LiveFeed) -> Iterator[None]:
    thread = threading.Thread(target=feed.run)
    thread.start()
    try:
        yield
    finally:
        feed.stop()
        thread.join(10)
        assert not thread.is_alive()


async def heard_live(hub: Hub, token: str, edges: Sequence[ScriptedEdge]) -> str:
    """What a caller of the live stream is told once boxes have spoken, until the feed stops."""
    heard: set[str] = set()

    async def control() -> None:
        async for names in hub.feed.listen():
            heard.update(names.edges)

    transport = httpx.ASGITransport(hub.app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=headers
    ) as client:
        asking = asyncio.create_task(client.get("/api/v1/live"))
        while not hub.feed._listeners:  # noqa: ASYNC110 - the feed tells nobody who listens
            await asyncio.sleep(0.05)
        controlling = asyncio.create_task(control())
        # Again and again: the database's notices may have no listener yet.
        while not heard >= {edge.edge for edge in edges}:
            await asyncio.to_thread(take, hub.database, [edge.health() for edge in edges])
            await asyncio.sleep(0.3)
        await asyncio.sleep(1.0)
        hub.feed.stop()
        answer = await asyncio.wait_for(asking, 20)
        await controlling
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


def examples_on(database: Database, usual: int) -> int:
    """How often to ask each operation: less on PostgreSQL, where the same code runs once more."""
    return usual if isinstance(database, SqliteDatabase) else max(3, usual // 3)
