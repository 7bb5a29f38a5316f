"""Frames worth labelling: kept within a budget, anonymised, packed and shipped on command."""

from edge_app.harvest.counters import HarvestCounters, HarvestStats, Limit
from edge_app.harvest.harvester import Harvester
from edge_app.harvest.scoring import Worth, worth_of
from edge_app.harvest.store import HarvestStore, Selection

__all__ = [
    "HarvestCounters",
    "HarvestStats",
    "HarvestStore",
    "Harvester",
    "Limit",
    "Selection",
    "Worth",
    "worth_of",
]
