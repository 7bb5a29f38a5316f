"""Our exception hierarchy.

LotsightError
├── ConfigError        a configuration file or option is wrong
├── CalibrationError   a calibration file, or a bay in it, is wrong
├── CameraError        a source cannot be opened, read or decoded
├── ModelError         a model file or its manifest is wrong, or inference failed
└── TelemetryError     a message, topic, document or delivery is wrong

Every error that lotsight raises on purpose is one of these, so a caller catches one base. Its text
names the file, the place, what was expected and what came. They live here because telemetry is the
one package that all the others may import.
"""


class LotsightError(Exception):
    """Base of every error that lotsight raises on purpose."""


class ConfigError(LotsightError):
    """A configuration file or option is wrong."""


class CalibrationError(LotsightError):
    """A calibration file, or a bay in it, is wrong."""


class CameraError(LotsightError):
    """A source cannot be opened, read or decoded."""


class ModelError(LotsightError):
    """A model file or its manifest is wrong, or inference failed."""


class TelemetryError(LotsightError):
    """A message, topic, document or delivery is wrong."""
