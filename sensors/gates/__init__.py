"""Gates: pulses, counters and plate readers, brought to who passed which way.

A plate is read by the functions here and leaves none of them: not in what they return, where it is
a keyed hash or nothing, not in an error's text, not in a log.
"""

from sensors.gates.axis import read_axis
from sensors.gates.counters import counter_report
from sensors.gates.fields import MAX_BYTES
from sensors.gates.hikvision import read_hikvision
from sensors.gates.passages import (
    MAX_COUNT,
    GateReport,
    GateWiring,
    Passage,
    PlateHash,
    Total,
    normalised,
    vehicle_class,
)
from sensors.gates.plate_recognizer import read_plate_recognizer
from sensors.gates.pulses import MAX_MESSAGES, read_pulses

__all__ = [
    "MAX_BYTES",
    "MAX_COUNT",
    "MAX_MESSAGES",
    "GateReport",
    "GateWiring",
    "Passage",
    "PlateHash",
    "Total",
    "counter_report",
    "normalised",
    "read_axis",
    "read_hikvision",
    "read_plate_recognizer",
    "read_pulses",
    "vehicle_class",
]
