"""ONNX Runtime, imported here before anywhere else, so that it stays silent.

Release 1.32 for Linux writes a device id and a usage database below the user's cache folder as soon
as it is imported, and sends usage figures to its maker when it can. From a box nothing goes out but
what docs/privacy.md lists. Only this variable, set before the import, keeps it from doing so;
`disable_telemetry_events` comes too late.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

__all__ = ["ort"]
