"""What rides on the link besides events, and how a service puts it together."""

from edge_app.delivery.agents.aggregates import AggregateAgent
from edge_app.delivery.agents.assembly import AgentParts, build_agents
from edge_app.delivery.agents.commands import CommandAgent
from edge_app.delivery.agents.handlers import Answer, AnswerFile, CommandHandlers
from edge_app.delivery.agents.health import HealthAgent
from edge_app.delivery.agents.home_assistant import HomeAssistantAgent
from edge_app.delivery.agents.jobs import JobAgent
from edge_app.delivery.agents.shadow import ShadowAgent, ShadowPart, bays_report

__all__ = [
    "AgentParts",
    "AggregateAgent",
    "Answer",
    "AnswerFile",
    "CommandAgent",
    "CommandHandlers",
    "HealthAgent",
    "HomeAssistantAgent",
    "JobAgent",
    "ShadowAgent",
    "ShadowPart",
    "bays_report",
    "build_agents",
]
