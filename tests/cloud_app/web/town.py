"""A small town on a running service: edges, alerts, incidents, people; what the pages show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from playwright.sync_api import Page

from cloud_app.accounts.people import Person
from cloud_app.accounts.roles import Role, Tenant
from cloud_app.config import AccountsConfig, OperatorConfig, RulesConfig, SensorsConfig
from cloud_app.rules.builtin import judge
from cloud_app.storage.database import Database
from cloud_app.storage.health_history import keep_health
from cloud_app.storage.queries import Now
from cloud_app.storage.sqlite import SqliteDatabase
from cloud_app.storage.times import to_ms
from telemetry import IncidentKind, SystemClock, TopicKind
from telemetry.health import CameraAudit, CameraHealth, Health, OutboxHealth
from tests.cloud_app.accounts.kit import add, session_headers
from tests.cloud_app.hub import Hub, feeding, serving
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take

OPERATOR, CITY = Tenant.parse("operator:kerb"), Tenant.parse("council:city")
PEOPLE = AccountsConfig(
    operators=(OperatorConfig(name="kerb", council="city", sites=frozenset({"north", "harbour"})),)
)
_RULES = RulesConfig(incident_kinds=frozenset({IncidentKind.DOUBLE_PARKING}), incident_after_s=60)
_SILENT_MS = 180_000


@dataclass
class Town:
    """A service with something to see.

    Attributes:
        hub: the service's parts.
        url: where it answers.
        admin: who may do everything there.
        viewer: who may only look.
    """

    hub: Hub
    url: str
    admin: Person
    viewer: Person

    @property
    def now(self) -> datetime:
        """The service's moment."""
        return self.hub.clock.utc()

    def judge(self) -> None:
        """Open and close alerts by what is so now."""
        with self.hub.database.write() as session:
            judge(session, Now(to_ms(self.now), _SILENT_MS), _RULES, 0)

    def let_in(self, page: Page, person: Person | None = None) -> Page:
        """The page's browser, in which somebody has logged in: the admin unless told."""
        headers = session_headers(self.hub, person or self.admin)
        name, _, value = headers["Cookie"].partition("=")
        page.context.add_cookies([{"name": name, "value": value, "url": self.url}])
        return page

    @contextmanager
    def other(self) -> Iterator[httpx.Client]:
        """The same admin at another desk, without a browser."""
        headers = session_headers(self.hub, self.admin)
        with httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, timeout=30) as client:
            yield client


# Nobody listens there: what is asked of a sensor waits.
RADIO = SensorsConfig.model_validate(
    {
        "downlink_api": [
            {
                "name": "lns", "kind": "chirpstack", "url": "http://127.0.0.1:1", "token": "t",
                "sites": ["harbour"],
            }
        ],
        "downlink": [
            {
                "profile": "bosch-tps110", "action": "recalibrate", "f_port": 10, "payload": "01",
            }
        ],
    }
)  # fmt: skip


@contextmanager
def small_town(folder: Path) -> Iterator[Town]:
    """The town, served and fed until the end."""
    database = SqliteDatabase(folder / "town.db")
    hub = Hub(database, people=PEOPLE, sensors=RADIO)
    hub.clock.epoch_utc = SystemClock().utc()
    admin = add(hub, "ada@kerb.example", (OPERATOR, Role.OPERATOR_ADMIN))
    add(hub, "tom@kerb.example", (OPERATOR, Role.TECHNICIAN))
    viewer = add(hub, "vera@kerb.example", (OPERATOR, Role.VIEWER))
    add(hub, "carl@city.example", (CITY, Role.COUNCIL))
    add(hub, "new@kerb.example", (OPERATOR, Role.VIEWER), password=None)
    fill(database, hub.clock.utc())
    with feeding(hub.feed), serving(hub.app) as url:
        found = Town(hub, url, admin, viewer)
        found.judge()
        yield found
    database.close()


def fill(database: Database, now: datetime) -> None:
    """Three boxes: one sound with a double parker, one that lost its camera, one long away."""
    sound = ScriptedEdge(
        edge="quay-1", site="harbour", lot="quay", now=now - timedelta(hours=6),
        bay_ids=[f"q{n:02d}" for n in range(1, 13)], camera="mast",
    )  # fmt: skip
    blind = ScriptedEdge(
        edge="hall-1", site="north", lot="hall", now=now - timedelta(hours=5),
        bay_ids=[f"h{n}" for n in range(1, 7)], camera="door",
    )  # fmt: skip
    away = ScriptedEdge(
        edge="yard-7", site="north", lot="yard", now=now - timedelta(days=1),
        bay_ids=("y1", "y2"),
    )  # fmt: skip
    for edge in (sound, blind, away):
        take(database, edge.hello())
        take(database, [edge.change(bay, n % 3 != 0, 60) for n, bay in enumerate(edge.bay_ids)])
    take(database, [sound.gap((2, 4)), away.will()])
    _parked_badly(database, sound, now)
    _health(database, sound, now)
    blind.now = now - timedelta(minutes=20)
    take(database, [blind.change(bay, None, 1) for bay in blind.bay_ids])
    sound.now = blind.now = now
    for edge in (sound, blind):
        take(database, [edge.birth(2), edge.snapshot()])


def _parked_badly(database: Database, edge: ScriptedEdge, now: datetime) -> None:
    edge.now = now - timedelta(minutes=40)
    over = edge.incident("i-1", kind=IncidentKind.OVERSTAY, bays=("q03",), limit_s=1800.0)
    end = edge.incident("i-1", 600, kind=IncidentKind.OVERSTAY, bays=("q03",), end="left",
                        began=edge.now - timedelta(minutes=35), limit_s=1800.0)  # fmt: skip
    began = now - timedelta(minutes=12)
    edge.now = now - timedelta(seconds=10)
    lasting = edge.incident("i-2", 1, bays=("q05", "q06"), vehicle="van", began=began,
                            box=(0.35, 0.4, 0.6, 0.75))  # fmt: skip
    take(database, [over, end, lasting])


def _health(database: Database, edge: ScriptedEdge, now: datetime) -> None:
    audit = CameraAudit(
        since=now - timedelta(days=2), looks=430, bays=900, accuracy=0.995, low=0.987, high=0.9996
    )
    for ten_minutes in range(30, -1, -1):
        edge.now = now - timedelta(minutes=10 * ten_minutes)
        message = Health(
            at=edge.now,
            uptime_s=86_400.0 * 12 - ten_minutes * 600,
            outbox=OutboxHealth(rows=ten_minutes % 4, bytes=900, oldest_age_s=3.0),
            cameras=(
                CameraHealth(camera="mast", up=True, fps=9.6 + ten_minutes % 5 / 10,
                             latency_p95_ms=120.0 + ten_minutes % 7 * 9, audit=audit),
                CameraHealth(camera="gate", up=ten_minutes > 0, view="blind", fps=8.2, restarts=3),
            ),
            disk_free_bytes=41_300_000_000,
            memory_bytes=612_000_000 + ten_minutes % 6 * 9_000_000,
            temperature_c=51.0 + ten_minutes % 9,
            alarms=("disk gate.db is nearly full",) if ten_minutes == 0 else (),
        )  # fmt: skip
        take(database, [edge.inbound(TopicKind.HEALTH, message)])
        with database.write() as session:
            keep_health(session, to_ms(edge.now) - 1)
