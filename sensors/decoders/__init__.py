"""Payloads of bay sensors and counters, by device profile: a table of small pure functions."""

from sensors.decoders.objects import COMMON, ObjectMapping, from_object
from sensors.decoders.profiles import (
    DECODED_OBJECT,
    PLAIN,
    PROFILES,
    Decoder,
    Measures,
    Profile,
    decode,
    profile_of,
)

__all__ = [
    "COMMON",
    "DECODED_OBJECT",
    "PLAIN",
    "PROFILES",
    "Decoder",
    "Measures",
    "ObjectMapping",
    "Profile",
    "decode",
    "from_object",
    "profile_of",
]
