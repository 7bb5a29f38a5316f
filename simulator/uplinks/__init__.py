"""LoRaWAN uplinks of simulated bay sensors and counters, with all that goes wrong on the way.

A `SimulatedSensor` turns the truth about a bay into frames as its maker lays them out, and its
`Air` loses, repeats and delays them; `chirpstack` and `things_stack` wrap them as the network
servers do. Pure: time is passed in, the same seed gives the same bytes.
"""

from simulator.uplinks.counter import CountingStyle, SimulatedCounter
from simulator.uplinks.envelopes import Message, Network, chirpstack, plain, things_stack
from simulator.uplinks.payloads import FAMILIES, Family, Frame, Reading, Reset
from simulator.uplinks.radio import (
    CLEAR,
    Air,
    Delivery,
    Device,
    Reception,
    Transmitter,
    Uplink,
    UplinkKind,
)
from simulator.uplinks.sensor import Habits, SimulatedSensor

__all__ = [
    "CLEAR",
    "FAMILIES",
    "Air",
    "CountingStyle",
    "Delivery",
    "Device",
    "Family",
    "Frame",
    "Habits",
    "Message",
    "Network",
    "Reading",
    "Reception",
    "Reset",
    "SimulatedCounter",
    "SimulatedSensor",
    "Transmitter",
    "Uplink",
    "UplinkKind",
    "chirpstack",
    "plain",
    "things_stack",
]
