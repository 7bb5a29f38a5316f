"""Frames worth labelling: kept within a budget, made private, packed and shipped on command."""

from edge_app.harvest.harvester import Harvester
from edge_app.harvest.ledger import HarvestFigures, Ledger, Limit
from edge_app.harvest.store import HarvestStore, Selection
from edge_app.harvest.worth import Worth, worth_of

__all__ = [
    "HarvestFigures",
    "HarvestStore",
    "Harvester",
    "Ledger",
    "Limit",
    "Selection",
    "Worth",
    "worth_of",
]
