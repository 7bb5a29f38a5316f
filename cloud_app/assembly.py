"""Which parts the service is made of, and what each of them is given."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from cloud_app.accounts.assembly import Accounts
from cloud_app.accounts.upkeep import AccountsWorker
from cloud_app.alerts.courier import Courier
from cloud_app.alerts.targets import Targets
from cloud_app.analytics.accuracy import AccuracyKeeper
from cloud_app.analytics.forecasts import ForecastWorker
from cloud_app.analytics.reports.stays import StayKeeper
from cloud_app.api.access import Doorkeeper
from cloud_app.api.context import ApiContext
from cloud_app.api.feed import LiveFeed
from cloud_app.config import CloudConfig
from cloud_app.fleet.authority.broker_files import BrokerFiles
from cloud_app.fleet.authority.keeper import (
    BrokerFileKeeper,
    RevocationListKeeper,
    end_connection,
)
from cloud_app.fleet.authority.own_issuer import OwnIssuer
from cloud_app.fleet.campaigns.rounds import CampaignRounds
from cloud_app.fleet.worker import FleetRounds, FleetWorker, fleet_requests
from cloud_app.housekeeping import Housekeeper
from cloud_app.ingest.gates.intake import GateIntake
from cloud_app.ingest.gates.worker import GateWorker
from cloud_app.ingest.holes import HoleWatch
from cloud_app.ingest.link import CloudLink
from cloud_app.ingest.sensors.downlink_sender import DownlinkSender
from cloud_app.ingest.sensors.intake import SensorIntake
from cloud_app.ingest.sensors.worker import SensorWorker
from cloud_app.ingest.worker import IngestWorker, Sink
from cloud_app.lake.health import LakeHealth
from cloud_app.occupancy.counting import LotCounter
from cloud_app.occupancy.reconciler import Reconciler
from cloud_app.rounds import LeaderRounds
from cloud_app.rules.delivery import Deliverer
from cloud_app.rules.outlets import Outlets
from cloud_app.rules.worker import RuleWorker, pace_of
from cloud_app.schedules.sending import Sender
from cloud_app.shadow_service import ShadowService, ShadowWorker
from cloud_app.storage.database import Database
from cloud_app.storage.queries import Now
from cloud_app.storage.times import to_ms
from cloud_app.stream import TakenEvent
from telemetry import Clock, ConfigError
from telemetry.aws import shadow_requests

# Short beside `roll_s`, so that a full `roll_rows` is written soon.
_LAKE_EVERY_S = 5.0


class LakeRounds(Protocol):
    """The worker of the lake, whose libraries are an extra."""

    @property
    def health(self) -> LakeHealth:
        """How the lake stands."""
        ...

    def tick(self) -> None:
        """One round."""
        ...


class Part(Protocol):
    """Something that works in a thread until told to stop."""

    def run(self) -> None:
        """Work until `stop`."""
        ...

    def stop(self) -> None:
        """Let `run` end."""
        ...


class KafkaReader(Part, Protocol):
    """The source of events in Kafka, whose library is an extra."""

    @property
    def problem(self) -> str | None:
        """Why nothing comes."""
        ...


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of one process.

    Attributes:
        parts: each wants a thread.
        link: to the broker; it has threads of its own.
        context: what the API needs.
    """

    parts: Sequence[Part]
    link: CloudLink
    context: ApiContext


@contextmanager
def assembled(config: CloudConfig, database: Database, clock: Clock) -> Iterator[Assembly]:
    """Build every part; close the sinks at the end.

    Raises:
        ConfigError: an extra that the configuration needs is not installed.
    """
    sinks = [_SharedSink(sink) for sink in _sinks(config)]
    try:
        yield _assembly(config, database, clock, sinks)
    finally:
        for sink in sinks:
            sink.close()


def _assembly(
    config: CloudConfig, database: Database, clock: Clock, sinks: Sequence[Sink]
) -> Assembly:
    lake, kafka = _lake(config, database, clock), config.kafka
    link = CloudLink(
        config.broker,
        clock,
        (
            *(shadow_requests(config.shadow.root) if config.shadow.enabled else ()),
            *fleet_requests(config.broker.prefix, _jobs_root(config)),
        ),
        events=kafka is None or kafka.source is None or not kafka.source.replaces_mqtt,
    )
    accounts = Accounts.of(config, database)
    gates = GateIntake(config.gates, clock)
    sensors = SensorIntake(config.sensors, clock, gates.take_counts)
    holes = HoleWatch(clock, config.ingest.replay_after_s)
    stale_after_s = config.ingest.stale_after_s
    housekeeper = Housekeeper(
        database,
        link,
        accounts.tenants,
        config.rules,
        config.retention,
        stale_after_s,
        holes,
        clock,
        config.gates,
        keeps_for_lake=config.lake is not None,
    )
    ingest = IngestWorker(
        database, sinks, link, config.ingest, config.broker.prefix, clock, housekeeper.saw
    )
    shadows = ShadowService(database, clock, config.shadow.root)
    shadow_worker = ShadowWorker(shadows, link.publish, database.lead)
    source = _kafka_source(config, ingest, clock)
    prefix, root = config.broker.prefix, _jobs_root(config)
    fleet = FleetWorker(database, link, config.fleet, prefix, root, clock, database.lead)
    fleet_rounds = FleetRounds(database, link, config.fleet, prefix, root, clock)
    link.deliver_to(ingest.inbox, _by_topic(prefix, fleet.offer, shadow_worker.offer))
    feed = LiveFeed(database, lambda: Now(to_ms(clock.utc()), int(stale_after_s * 1000)))
    context = ApiContext(
        config,
        database,
        clock,
        Doorkeeper(config.http, accounts, clock),
        feed,
        lambda: link.state,
        ingest.counts,
        shadows if config.shadow.enabled else None,
        link.publish,
        accounts,
        sensors,
        gates,
        None if lake is None else lambda: lake.health,
        None if source is None else lambda: source.problem,
    )
    rounds = _rounds(config, database, clock, accounts, sinks, link)
    if lake is not None:
        rounds += (LeaderRounds("lake", lake.tick, database.lead, every_s=_LAKE_EVERY_S),)
    keeping = LeaderRounds("housekeeping", housekeeper.tick, database.lead)
    commands = LeaderRounds("commands", fleet_rounds.tick, database.lead, every_s=0.5)
    networks = _network_workers(config, database, clock, sensors, gates)
    sources = () if source is None else (source,)
    parts = (ingest, *sources, *networks, shadow_worker, fleet, commands, keeping, *rounds, feed)
    return Assembly(parts, link, context)


def _jobs_root(config: CloudConfig) -> str | None:
    """Where boxes ask for jobs; a broker with shadows of its own has a jobs service too."""
    return config.shadow.root if config.shadow.enabled else None


Offer = Callable[[str, bytes], None]


def _by_topic(prefix: str, fleet: Offer, shadows: Offer) -> Offer:
    """Takes answers to commands, and requests about jobs, apart from those to shadows."""

    def offer(topic: str, payload: bytes) -> None:
        is_of_fleet = topic.startswith(f"{prefix}/") or "/jobs/" in topic
        (fleet if is_of_fleet else shadows)(topic, payload)

    return offer


def _kafka_source(config: CloudConfig, ingest: IngestWorker, clock: Clock) -> KafkaReader | None:
    if config.kafka is None or config.kafka.source is None:
        return None
    with _kafka_extra():
        from cloud_app.ingest.kafka_source import KafkaSource

    return KafkaSource(config.kafka, ingest.take, config.ingest.batch_rows, clock)


def _network_workers(
    config: CloudConfig,
    database: Database,
    clock: Clock,
    sensors: SensorIntake,
    gates: GateIntake,
) -> tuple[Part, ...]:
    networks = config.sensors.network
    of_sensors = [each for each in networks if not each.kind.is_of_gates]
    of_gates = [each for each in networks if each.kind.is_of_gates]
    worker = SensorWorker(database, of_sensors, clock, intake=sensors)
    sender = DownlinkSender(database, config.sensors, worker.links, clock)
    return (
        worker,
        GateWorker(database, of_gates, clock, intake=gates),
        LeaderRounds("downlinks", sender.tick, database.lead),
    )


def _rounds(
    config: CloudConfig,
    database: Database,
    clock: Clock,
    accounts: Accounts,
    sinks: Sequence[Sink],
    link: CloudLink,
) -> tuple[Part, ...]:
    """What the leader does by and by, each in a thread, so that one never holds up another."""
    leads = database.lead
    stale_after_s = config.ingest.stale_after_s
    targets = Targets.of(config, accounts.url)
    reconciler = Reconciler(
        database, clock, stale_after_s, config.broker.prefix, lambda events: _put(sinks, events)
    )
    counter = LotCounter(database, config.gates, stale_after_s, clock)
    upkeep = AccountsWorker(database, targets.mailer, clock)
    courier = Courier(database, targets, accounts.tenants, leads, clock)
    forecasts = ForecastWorker(database, clock)
    rules = RuleWorker(
        database, accounts.tenants, clock, pace_of(config), lambda: link.state.since_ms
    )
    deliverer = Deliverer(database, Outlets.of(config, link.deliver), leads, clock)
    campaigns = CampaignRounds(database, stale_after_s, clock)
    accuracy = AccuracyKeeper(database, clock, stale_after_s)
    stays = StayKeeper(database, config.retention, clock)
    reports = Sender(database, accounts.tenants, accounts.url, clock)
    lists = RevocationListKeeper(OwnIssuer(), database, clock)
    return (
        LeaderRounds("reconciliation", reconciler.tick, leads, lost=reconciler.forget),
        LeaderRounds("counts of lots", counter.tick, leads),
        LeaderRounds("accounts", upkeep.tick, leads, every_s=2.0),
        LeaderRounds("notifications", courier.tick, leads, close=courier.close),
        LeaderRounds("rules", rules.tick, leads, lost=rules.forget),
        LeaderRounds("messages of rules", deliverer.tick, leads, close=deliverer.close),
        LeaderRounds("forecasts", forecasts.tick, leads, every_s=60.0),
        LeaderRounds("campaigns", campaigns.tick, leads),
        LeaderRounds("accuracy of forecasts", accuracy.tick, leads, every_s=300.0),
        LeaderRounds("stays of days", stays.tick, leads, every_s=60.0),
        LeaderRounds("scheduled reports", reports.tick, leads, every_s=60.0),
        LeaderRounds("revocation lists", lists.tick, leads, every_s=5.0),
        *_broker_files(config, database, clock),
    )


def _broker_files(config: CloudConfig, database: Database, clock: Clock) -> Iterator[Part]:
    settings = config.broker_files
    if settings is None:
        return
    files = BrokerFiles(config, settings, OwnIssuer())
    keeper = BrokerFileKeeper(files, database, clock, partial(end_connection, config.broker))
    yield LeaderRounds("broker files", keeper.tick, database.lead, every_s=settings.every_s)


class _SharedSink:
    """A sink that the ingest and the reconciler write to."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()

    def put(self, events: Sequence[TakenEvent]) -> None:
        """Take events, one caller at a time."""
        with self._lock:
            self._sink.put(events)

    def close(self) -> None:
        """Finish what is open."""
        with self._lock:
            self._sink.close()


def _put(sinks: Sequence[Sink], events: Sequence[TakenEvent]) -> None:
    for sink in sinks:
        sink.put(events)


def _lake(config: CloudConfig, database: Database, clock: Clock) -> LakeRounds | None:
    if config.lake is None:
        return None
    try:
        from cloud_app.lake.worker import LakeWorker
    except ModuleNotFoundError as exc:
        msg = f"[lake] needs the extra lotsight[lake]; the Python module {exc.name} is missing"
        raise ConfigError(msg) from exc
    prefix, hash_hours = config.broker.prefix, config.gates.hash_hours
    return LakeWorker(config.lake, database, clock, prefix, hash_hours)


def _sinks(config: CloudConfig) -> list[Sink]:
    sinks: list[Sink] = []
    if config.kafka is not None and config.kafka.sink:
        with _kafka_extra():
            from cloud_app.sinks.kafka import KafkaSink
        sinks.append(KafkaSink(config.kafka))
    return sinks


@contextmanager
def _kafka_extra() -> Iterator[None]:
    """Say which extra is missing."""
    try:
        yield
    except ImportError as exc:
        msg = (
            "[kafka] needs the extra lotsight[kafka]; expected the Python module "
            f"confluent_kafka, but got: {exc}"
        )
        raise ConfigError(msg) from exc
