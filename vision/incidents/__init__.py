"""Standing vehicles that do not stand as they should, found by geometry and time alone.

`ground` puts a vehicle's box on the ground that the bays span, `findings` says how it stands in one
frame, `tracker` what of that lasts long enough to be an incident.
"""

from vision.incidents.blocking import BlockFilter, BlockSettings, Reach, neighbour_reach
from vision.incidents.findings import Finding, FindingSettings, Lot, Sighting, sightings
from vision.incidents.ground import LotGround
from vision.incidents.placing import Placed, place
from vision.incidents.stays import Moment, Stays
from vision.incidents.tracker import Incident, IncidentSettings, IncidentTracker

__all__ = [
    "BlockFilter",
    "BlockSettings",
    "Finding",
    "FindingSettings",
    "Incident",
    "IncidentSettings",
    "IncidentTracker",
    "Lot",
    "LotGround",
    "Moment",
    "Placed",
    "Reach",
    "Sighting",
    "Stays",
    "neighbour_reach",
    "place",
    "sightings",
]
