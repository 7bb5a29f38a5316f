"""Incidents over a camera's image: a frame round the vehicle, and in words what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from telemetry.vocabulary import IncidentKind
from vision.draw import unit_px
from vision.incidents.tracker import Incident
from vision.labels import BOLD, DARK, INK, Colour, put_text, text_width_px
from vision.types import ImageBgr

INCIDENT: Colour = (66, 228, 240)
"""Yellow of Okabe and Ito's palette: no state of a bay has it."""
_WORDS = {
    IncidentKind.OUTSIDE_BAY: "outside bays",
    IncidentKind.DOUBLE_PARKING: "double parked",
    IncidentKind.STRADDLING: "over two bays",
    IncidentKind.OVERSTAY: "overstay",
    IncidentKind.WRONG_USE: "wrong bay",
}
_MINUTE_S, _HOUR_S = 60, 3600


def caption_of(incident: Incident) -> str:
    """What is wrong and for how long, such as `double parked 12 min`."""
    stood_s = incident.stood_s
    if stood_s < _MINUTE_S:
        long = f"{stood_s:.0f} s"
    elif stood_s < 2 * _HOUR_S:
        long = f"{stood_s / _MINUTE_S:.0f} min"
    else:
        long = f"{stood_s / _HOUR_S:.1f} h"
    bays = "" if incident.kind is not IncidentKind.OVERSTAY else f" {incident.bays[0]}"
    return f"{_WORDS[incident.kind]}{bays} {long}"


def draw_incidents(image_bgr: ImageBgr, incidents: Sequence[Incident]) -> None:
    """Draw incidents that have a box over an image, in place.

    Args:
        image_bgr: shape (H, W, 3), uint8.
        incidents: that last; those without a box (overstay) are skipped.
    """
    height, width = image_bgr.shape[:2]
    unit = unit_px(width, height)
    thick = max(2, round(2.6 * unit))
    size = max(9, round(14 * unit))
    for incident in incidents:
        if incident.box_norm is None:
            continue
        scaled = np.asarray(incident.box_norm) * (width, height, width, height)
        left, top, right, bottom = (round(float(side)) for side in scaled)
        cv2.rectangle(image_bgr, (left, top), (right, bottom), DARK, thick + 2, cv2.LINE_AA)
        cv2.rectangle(image_bgr, (left, top), (right, bottom), INCIDENT, thick, cv2.LINE_AA)
        text = caption_of(incident)
        long, tall = text_width_px(text, size, BOLD) + size, round(1.6 * size)
        x = min(max(left, 0), max(width - long, 0))
        y = top - tall if top >= tall else min(bottom, height - tall)
        cv2.rectangle(image_bgr, (x, y), (x + long, y + tall), DARK, cv2.FILLED)
        cv2.rectangle(image_bgr, (x, y), (x + size // 4, y + tall), INCIDENT, cv2.FILLED)
        put_text(image_bgr, text, (x + size // 2, y + tall // 2), size, INK, BOLD)
