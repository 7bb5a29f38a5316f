"""Messages of gates as the makers' devices send them, with a made-up plate."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

PLATE = "WX1234A"

PLATE_RECOGNIZER: dict[str, Any] = {
    "hook": {
        "target": "https://parking.example/api/v1/intake/plate-recognizer",
        "id": "camera-1",
        "event": "recognition",
        "filename": f"camera-1_screenshots/21-09-29/{PLATE}.jpg",
    },
    "data": {
        "camera_id": "camera-1",
        "filename": f"camera-1_screenshots/21-09-29/{PLATE}.jpg",
        "timestamp": "2026-06-01T05:56:13.606935Z",
        "timestamp_local": "2026-06-01 05:56:13.606935+00:00",
        "results": [
            {
                "box": {"xmin": 460, "ymin": 57, "xmax": 557, "ymax": 82},
                "plate": PLATE.lower(),
                "region": {"code": "gb", "score": 0.413},
                "score": 0.839,
                "candidates": [{"plate": PLATE.lower()}, {"plate": "wxi234a"}],
                "dscore": 0.441,
                "vehicle": {"score": 0.267, "type": "Big Truck", "box": {"xmin": 387}},
                "orientation": [
                    {"orientation": "Front", "score": 0.943},
                    {"orientation": "Unknown", "score": 0.031},
                    {"orientation": "Rear", "score": 0.026},
                ],
                "direction": 210,
                "source_url": "/user-data/entrance.mp4",
                "position_sec": 4,
            }
        ],
    },
}

AXIS: dict[str, Any] = {
    "packetCounter": "18",
    "capture_timestamp": "1780293373606",
    "plateUTF8": PLATE,
    "plateASCII": PLATE,
    "plateConfidence": "0.955",
    "carState": "update",
    "carMoveDirection": "in",
    "carID": "4711",
    "datetime": "20260601 055613606",
    "camera_info": {"SerialNumber": "B8A44F000001", "IPAddress": "192.0.2.10"},
    "ImageArray": [{"ImageType": "plate", "BinaryImage": "AAAA"}],
}

PULSE: dict[str, Any] = {
    "gate": "gate-1",
    "time": "2026-06-01T05:56:13Z",
    "direction": "in",
    "count": 1,
    "plate": PLATE,
    "vehicle": "car",
    "conf": 0.9,
}

HIKVISION = f"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<ipAddress>192.0.2.64</ipAddress>
<portNo>80</portNo>
<protocol>HTTP</protocol>
<macAddress>C4:2F:90:A7:B5:D1</macAddress>
<channelID>1</channelID>
<dateTime>2026-06-01T07:56:13+02:00</dateTime>
<activePostCount>1</activePostCount>
<eventType>ANPR</eventType>
<eventState>active</eventState>
<eventDescription>ANPR</eventDescription>
<channelName>Entrance</channelName>
<ANPR>
<country>19</country>
<licensePlate>{PLATE}</licensePlate>
<line>1</line>
<direction>forward</direction>
<confidenceLevel>98</confidenceLevel>
<vehicleType>SUVMPV</vehicleType>
<pictureInfoList><pictureInfo><fileName>licensePlatePicture.jpg</fileName></pictureInfo>
</pictureInfoList>
<originalLicensePlate>{PLATE}</originalLicensePlate>
</ANPR>
<UUID>0c1ab8a2-5f9c-4d0e-9e7b-2a2f7b1d3c11</UUID>
</EventNotificationAlert>
""".encode()


def encoded(message: dict[str, Any], **changed: Any) -> bytes:
    """A message as JSON, with some of its outermost fields changed; None leaves one out."""
    new = {**deepcopy(message), **changed}
    return json.dumps({name: value for name, value in new.items() if value is not None}).encode()


def multipart(xml: bytes, subtype: str = "form-data") -> tuple[bytes, str]:
    """A body and its Content-Type as a camera posts an event beside a picture."""
    boundary = "---------------------------7e13971310878"
    lines = [
        f"--{boundary}".encode(),
        b'Content-Disposition: form-data; name="anpr.xml"; filename="anpr.xml"',
        b"Content-Type: text/xml",
        b"Content-Length: " + str(len(xml)).encode(),
        b"",
        xml,
        f"--{boundary}".encode(),
        b'Content-Disposition: form-data; name="licensePlatePicture.jpg"; filename="plate.jpg"',
        b"Content-Type: image/jpeg",
        b"",
        bytes(range(256)) * 8,
        f"--{boundary}--".encode(),
        b"",
    ]
    return b"\r\n".join(lines), f"multipart/{subtype}; boundary={boundary}"
