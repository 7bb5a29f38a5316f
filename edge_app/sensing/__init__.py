"""The inputs of a box that are no camera: bay sensors and gates of its lot.

message -> envelope and decoder (`sensors`) -> a sensor's word -> one state per bay -> outbox
message -> passages -> outbox, count of a lot
"""

from edge_app.sensing.gates import GateOutlets
from edge_app.sensing.ledger import LotBays
from edge_app.sensing.parts import GATES, Sensing, build_sensing
from edge_app.sensing.report import (
    CountReport,
    GateReport,
    SensingReport,
    SensorReport,
    SourcesReport,
    WordReport,
)
from edge_app.sensing.sensors import SensorOutlets

__all__ = [
    "GATES",
    "CountReport",
    "GateOutlets",
    "GateReport",
    "LotBays",
    "Sensing",
    "SensingReport",
    "SensorOutlets",
    "SensorReport",
    "SourcesReport",
    "WordReport",
    "build_sensing",
]
