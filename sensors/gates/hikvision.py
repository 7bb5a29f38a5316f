"""Hikvision ISAPI: `EventNotificationAlert` of a plate reader, posted alone or among pictures.

The direction is that of the picture: `forward` comes towards the camera, `reverse` goes away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sensors.errors import SensorError
from sensors.gates.fields import is_name, moment, refuse
from sensors.gates.forms import parts_of
from sensors.gates.passages import GateReport, Passage, PlateHash, vehicle_class
from telemetry import PassageDirection, PassageMethod

_WHERE: Final = "Hikvision event"
_MAX_XML_BYTES: Final = 256 * 1024
_WAYS: Mapping[str, PassageDirection] = {
    "forward": PassageDirection.IN,
    "reverse": PassageDirection.OUT,
}
_UUID = re.compile(r"[0-9A-Fa-f-]{16,40}")
_PERCENT: Final = 100


def read_hikvision(
    payload: bytes, content_type: str = "", plates: PlateHash | None = None
) -> list[GateReport]:
    """Read what a camera posts; an event about anything but plates says that it is alive.

    The gate is the address of the camera's interface without colons, in lower case.

    Raises:
        SensorError: it is no such event, or holds a document type or entities.
    """
    event = _parse(_xml_of(payload, content_type))
    if _local(event) != "EventNotificationAlert":
        refuse(_WHERE, "an element EventNotificationAlert", "")
    at = _moment(event)
    gate = (_text(event, "macAddress") or _text(event, "deviceID") or "").replace(":", "").lower()
    if not is_name(gate):
        refuse(f"{_WHERE}: macAddress", "the address of an interface", gate or None)
    anpr = _child(event, "ANPR")
    if anpr is None or (_text(event, "eventType") or "").upper() != "ANPR":
        return [GateReport(gate, at)]
    return [GateReport(gate, at, (_passage(event, anpr, at, plates),))]


def _xml_of(payload: bytes, content_type: str) -> bytes:
    form = parts_of(payload, content_type, _WHERE)
    if form is None:
        xml: bytes | None = payload
    else:
        # By what is in it: cameras name the part anpr.xml or Event, some as octet-stream.
        heads = [part.content for part in form if b"EventNotificationAlert" in part.content[:4096]]
        xml = next(iter(heads), None)
    if xml is None or len(xml) > _MAX_XML_BYTES:
        refuse(_WHERE, f"an XML document of at most {_MAX_XML_BYTES} bytes", xml)
    return xml


def _parse(xml: bytes) -> Element:
    found: Element | None = None
    try:
        found = fromstring(xml.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, UnicodeError):
        found = None
    if found is None:
        msg = f"{_WHERE}: expected XML without document type and entities, but got {len(xml)} bytes"
        raise SensorError(msg + " of something else")
    return found


def _local(element: Element) -> str:
    """Its name without the namespace, of which Hikvision has several."""
    return str(element.tag).rpartition("}")[2]


def _child(element: Element, name: str) -> Element | None:
    return next((each for each in element if _local(each) == name), None)


def _text(element: Element, name: str) -> str | None:
    found = _child(element, name)
    return None if found is None or not found.text else found.text.strip()


def _moment(event: Element) -> datetime:
    told = _text(event, "dateTime")
    found = None if told is None else moment(told)
    if found is None:
        refuse(f"{_WHERE}: dateTime", "a time with its zone, as RFC 3339 has it", told)
    return found


def _passage(event: Element, anpr: Element, at: datetime, plates: PlateHash | None) -> Passage:
    uuid = _text(event, "UUID") or ""
    # A camera that names no event may still repeat it: then the time and the lane name it.
    lane = _text(anpr, "line") or _text(anpr, "laneNo") or ""
    named = uuid if _UUID.fullmatch(uuid) else f"{at.isoformat()} {lane[:2]}"
    plate = _text(anpr, "licensePlate") or ""
    conf = _text(anpr, "confidenceLevel") or ""
    is_percent = conf.isdecimal() and int(conf[:4]) <= _PERCENT
    return Passage(
        direction=_WAYS.get((_text(anpr, "direction") or "").lower()),
        count=1,
        at=at,
        key=hashlib.sha256(named.encode()).hexdigest()[:32],
        method=PassageMethod.PLATE_READER,
        vehicle=vehicle_class(_text(anpr, "vehicleType")),
        # Of a vehicle whose plate it could not read the camera says "unknown".
        hash=plates.of(plate) if plates and plate.lower() != "unknown" else None,
        conf=int(conf) / _PERCENT if is_percent else None,
    )
