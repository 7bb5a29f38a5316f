"""Each maker's payloads with their right answers, and bytes that are none of theirs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensors.decoders import PROFILES, decode, profile_of
from sensors.decoders.profiles import for_firmware
from sensors.errors import SensorError
from sensors.readings import BayWord, DistanceReading
from telemetry.vocabulary import UnknownReason
from tests.conftest import REPO
from tests.sensors.vectors import NOTHING_SAID, THRESHOLD_MM, VECTORS, Vector

GOLDEN = Path(os.environ.get("LOTSIGHT_DATA", REPO.parent / "shared" / "data")) / "sensors.json"
BY_BYTES = [profile.id for profile in PROFILES.values() if profile.decoder is not None]


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_payload(vector: Vector) -> None:
    decoded = decode(vector.profile, vector.f_port, bytes.fromhex(vector.payload_hex))
    fields = decoded.fields()
    assert {name: fields.get(name, "absent") for name in vector.fields} == vector.fields
    word = decoded.word(THRESHOLD_MM)
    assert (NOTHING_SAID if word is None else word.occupied) == vector.occupied
    if word is not None:
        is_known = word.occupied is not None
        assert word.reason is (None if is_known else UnknownReason.SENSOR_FAULT)


@pytest.mark.skipif(not GOLDEN.exists(), reason="third-party vectors are not here")
def test_golden_vectors_of_third_parties() -> None:
    vectors = json.loads(GOLDEN.read_text())["vectors"]
    assert len(vectors) == 16
    for vector in vectors:
        payload = bytes.fromhex(vector["hex"])
        fields = decode(vector["device"], vector["f_port"], payload).fields()
        found = {name: fields.get(name, "absent") for name in vector["expect"]}
        assert found == vector["expect"], vector


def test_a_distance_sensor_needs_a_threshold() -> None:
    decoded = decode("milesight-em310-udl", 85, bytes.fromhex("0382B004"))
    assert decoded.word(None) == BayWord(None, UnknownReason.SENSOR_FAULT)
    assert DistanceReading(1500).occupied(1500) is False


@pytest.mark.parametrize(
    ("profile", "f_port", "payload_hex", "match"),
    [
        ("nobody-knows", 1, "01", "expected one of bosch-tps110"),
        ("bosch-tps110", 7, "01", "expected 1 to 6, but got 7"),
        ("bosch-tps110", None, "01", "expected 1 to 6"),
        ("bosch-tps110", 1, "0100", "expected 1 bytes, but got 2"),
        ("bosch-tps110", 3, "01", "expected 17 bytes"),
        ("nwave-nps405", 2, "01", "at least 3"),
        ("nwave-nps405", 10, "01", "expected 5 or 6"),
        ("nwave-ncc405", 1, "01", "expected 2 bytes"),
        ("dingtek-do201", 3, "800031021706B4000001610010FFF6FFF08B2D000100", "80...81"),
        ("dingtek-do201", 3, "800031040781", "80...81"),
        ("dingtek-do201", 3, "800031070681", "byte 3"),
        ("dingtek-do201", 3, "800031020681", "expected 21 or 23"),
        ("libelium-smart-parking-v3", 1, "00", "expected 11 bytes"),
        ("libelium-smart-parking-v3", 1, "0900000000000000000000", "frame type"),
        ("milesight-em310-udl", 85, "0482B004", "expected a channel"),
        ("milesight-em310-udl", 85, "0382B0", "expected 2 bytes, but got 1"),
        ("milesight-em310-udl", 1, "0382B004", "expected 85"),
        ("parametric-tcr", 15, "BE0203", "version 1 or 2"),
        ("parametric-tcr", 15, "BE0202" + "00" * 7, "expected 15 or 21"),
        ("decoded-object", 1, "01", "expected decoded fields"),
    ],
)
def test_payload_that_is_none(profile: str, f_port: int, payload_hex: str, match: str) -> None:
    with pytest.raises(SensorError, match=match):
        decode(profile, f_port, bytes.fromhex(payload_hex))


@pytest.mark.parametrize("profile", BY_BYTES)
def test_frame_without_a_payload_says_nothing(profile: str) -> None:
    assert decode(profile, 0, None).word() is None
    assert decode(profile, 0, b"").fields() == {}


@pytest.mark.parametrize(
    ("firmware", "expected"), [(None, "v3"), ("v3.1", "v3"), ("2.0", "v2"), ("?", "v3")]
)
def test_firmware_chooses_the_layout(firmware: str | None, expected: str) -> None:
    chosen = for_firmware(profile_of("libelium-smart-parking-v3"), firmware)
    assert chosen.id == f"libelium-smart-parking-{expected}"


@pytest.mark.parametrize("profile", BY_BYTES)
@settings(max_examples=50)
@given(payload=st.binary(max_size=60), f_port=st.none() | st.integers(0, 255))
def test_any_bytes_end_in_a_reading_or_an_error(
    profile: str, payload: bytes, f_port: int | None
) -> None:
    try:
        decoded = decode(profile, f_port, payload)
    except SensorError:
        return
    json.dumps(decoded.fields(), allow_nan=False)
    decoded.word(THRESHOLD_MM)
