"""Frames worth labelling: kept within a budget, made private, packed and shipped on command."""

from edge_app.harvest.harvester import Harvester
from edge_app.harvest.store import HarvestStore, Selection
from edge_app.harvest.worth import Worth, worth_of

__all__ = ["HarvestStore", "Harvester", "Selection", "Worth", "worth_of"]
