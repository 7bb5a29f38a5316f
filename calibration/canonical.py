"""The one form of a calibration that its checksum is computed over: RFC 8785 (sorted JSON)."""

from __future__ import annotations

import hashlib

import rfc8785

from calibration.types import Calibration


def canonical_bytes(calibration: Calibration) -> bytes:
    """The calibration as RFC 8785 JSON (UTF-8), without its checksum.

    The order of keys, white space and the way numbers are written do not matter to it; the order of
    bays does, since the layout follows it.
    """
    return rfc8785.dumps(calibration.model_dump(mode="json", exclude={"checksum"}))


def checksum_of(calibration: Calibration) -> str:
    """SHA-256 over `canonical_bytes`, lower-case hex."""
    return hashlib.sha256(canonical_bytes(calibration)).hexdigest()


def seal(calibration: Calibration) -> Calibration:
    """The same calibration carrying the checksum of its content."""
    return calibration.model_copy(update={"checksum": checksum_of(calibration)})
