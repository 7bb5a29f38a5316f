"""All agents of a box from one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from edge_app.delivery.agent import Agent
from edge_app.delivery.agents.aggregates import AggregateAgent
from edge_app.delivery.agents.commands import CommandAgent
from edge_app.delivery.agents.handlers import CommandHandlers
from edge_app.delivery.agents.health import HealthAgent
from edge_app.delivery.agents.home_assistant import HomeAssistantAgent
from edge_app.delivery.agents.jobs import JobAgent
from edge_app.delivery.agents.shadow import ShadowAgent, ShadowPart, bays_report
from edge_app.delivery.config import MqttConfig
from edge_app.delivery.rollout import JobRunner
from edge_app.delivery.store import Store
from telemetry.aws import JobKind, ShadowName
from telemetry.clock import Clock
from telemetry.health import CameraHealth
from telemetry.topics import EdgeTopics


@dataclass(frozen=True, slots=True)
class AgentParts:
    """What the service brings along; all of it is optional.

    Attributes:
        handlers: of commands. `set_bay_closed` is handled by the store unless given.
        shadows: reports, and what follows a desired state; `bays` is made from the store.
        rollouts: of models and calibrations.
        cameras: figures for health.
        alarms: what an operator should know of, for health.
        wake: wakes the link when something is ready to be sent.
    """

    handlers: CommandHandlers = field(default_factory=CommandHandlers)
    shadows: Mapping[ShadowName, ShadowPart] = field(default_factory=dict)
    rollouts: Mapping[JobKind, JobRunner] = field(default_factory=dict)
    cameras: Callable[[], Sequence[CameraHealth]] = tuple
    alarms: Callable[[], Sequence[str]] = tuple
    wake: Callable[[], None] = lambda: None


def build_agents(
    config: MqttConfig, store: Store, clock: Clock, parts: AgentParts
) -> tuple[Agent, ...]:
    """Commands, shadows, jobs, health, aggregates, Home Assistant (disabled it clears up)."""
    topics = EdgeTopics(config.site, config.edge, config.prefix)

    def close_bay(bay: str, closed: bool) -> dict[str, JsonValue]:
        return {"changed": store.set_closed(bay, closed)}

    parts.handlers.on_set_bay_closed(close_bay, default=True)
    shadows = {ShadowName.BAYS: ShadowPart(bays_report(store)), **parts.shadows}
    agents: list[Agent] = [
        CommandAgent(topics, store.documents, clock, parts.handlers, parts.wake),
        ShadowAgent(config.edge, config.aws_root, shadows),
        JobAgent(config.edge, config.aws_root, parts.rollouts, parts.wake),
        HealthAgent(
            topics, store, clock, config.health_period_s, cameras=parts.cameras, alarms=parts.alarms
        ),
        AggregateAgent(topics, store, clock),
    ]
    home = config.home_assistant
    agents.append(HomeAssistantAgent(topics, store, home.discovery_prefix, enabled=home.enabled))
    return tuple(agents)
