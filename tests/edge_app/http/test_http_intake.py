"""Devices of the lot tell the box over HTTP, with a token that opens nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from edge_app.http import Access, PageSettings
from edge_app.sensing import SourcesReport, WordReport
from edge_app.sensing.report import SensingReport
from sensors.errors import SensorError
from sensors.reconcile import Role, SourceKind, Why
from tests.edge_app.http.conftest import NOW, Serve

TOKEN = {"Authorization": "Bearer sensor-token-7"}


@dataclass
class Devices:
    """Takes what is told, and refuses what is wrong."""

    taken: list[tuple[object, ...]] = field(default_factory=list)

    def intake(self, kind: str, place: str, body: bytes) -> int:
        if kind != "plain":
            msg = f"expected plain, but got {kind!r}"
            raise SensorError(msg)
        self.taken.append((kind, place, body))
        return 1

    def told(self, input_id: str, contact: bool) -> None:
        if input_id != "fire":
            msg = "no such input"
            raise SensorError(msg)
        self.taken.append((input_id, contact))

    def set_count(self, lot: str, level: str | None, count: int) -> None:
        self.taken.append((lot, level, count))


def test_messages_inputs_and_counts_are_taken(serve: Serve) -> None:
    devices = Devices()
    client = serve(settings=PageSettings(devices=devices)).client
    answer = client.post("/api/v1/intake/plain?event=status", content=b"\x00 anything")
    assert (answer.status_code, answer.json()) == (200, {"taken": 1})
    assert client.post("/api/v1/inputs/fire", json={"contact": True}).status_code == 204
    assert client.post("/api/v1/counts/garage", json={"count": 7, "level": "1"}).status_code == 204
    assert devices.taken == [
        ("plain", "status", b"\x00 anything"), ("fire", True), ("garage", "1", 7),
    ]  # fmt: skip
    refused = client.post("/api/v1/intake/sigfox", content=b"{}")
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "expected plain, but got 'sigfox'",
    )
    assert client.post("/api/v1/inputs/smoke", json={"contact": True}).status_code == 404
    assert client.post("/api/v1/inputs/fire", json={"contact": "yes please"}).status_code == 422
    assert client.post("/api/v1/counts/garage", json={"count": -1}).status_code == 422
    assert client.post("/api/v1/intake/plain", content=b"x" * 600_000).status_code == 413


def test_a_box_that_reads_no_devices_says_so(serve: Serve) -> None:
    assert serve().client.post("/api/v1/intake/plain", content=b"{}").status_code == 404


@pytest.mark.parametrize(
    "access",
    [
        pytest.param(Access(device_token=SecretStr("sensor-token-7")), id="loopback"),
        pytest.param(
            Access.of(SecretStr("page-word"), device_token=SecretStr("sensor-token-7")),
            id="behind-a-password",
        ),
    ],
)
def test_the_devices_token_opens_their_doors_alone(serve: Serve, access: Access) -> None:
    devices = Devices()
    client = serve(access, PageSettings(devices=devices)).client
    body = {"contact": True}
    for path in ("/api/v1/intake/plain", "/api/v1/inputs/fire"):
        for headers in ({}, {"Authorization": "Bearer sensor-token-8"}):
            assert client.post(path, json=body, headers=headers).status_code == 401, path
        assert client.post(path, json=body, headers=TOKEN).status_code in {200, 204}
    assert len(devices.taken) == 2
    if not access.is_open:
        assert client.get("/api/v1/status", headers=TOKEN).status_code == 401
        answer = client.post("/api/v1/counts/garage", json={"count": 1}, headers=TOKEN)
        assert answer.status_code == 401


def test_why_shows_both_words_and_which_was_believed(serve: Serve) -> None:
    served = serve()
    view = served.live_state.latest("north")
    assert view is not None
    bay = view.states[0]
    words = (
        WordReport("north", SourceKind.CAMERA, True, None, NOW, NOW, Role.OVERRULED, 1.2),
        WordReport("s7", SourceKind.SENSOR, False, None, NOW, NOW, Role.BELIEVED, 3.4),
    )
    report = SourcesReport(bay.bay, False, Why.OUTWEIGHS, True, words)
    served.box.change(sensing=SensingReport(bays=(report,)))
    state = bay.__class__(bay.bay, False, None, 0.9, NOW)
    served.live_state.believe({bay.bay: state}, frozenset(), [])
    why = served.client.get(f"/api/v1/bays/{bay.bay}/why").json()
    assert why["state"] == "free"
    assert [(each["source"], each["role"]) for each in why["sources"]] == [
        ("north", "overruled"), ("s7", "believed"),
    ]  # fmt: skip
    assert "s7 is believed, since the sources differ" in why["explanation"]
    assert "camera north says occupied (overruled)" in why["explanation"]
    status = served.client.get("/api/v1/status").json()
    assert status["sensing"]["bays"][0]["why"] == "outweighs"


def test_bays_without_a_camera_are_listed_and_make_no_camera(serve: Serve) -> None:
    served = serve()
    view = served.live_state.latest("north")
    assert view is not None
    state = view.states[0].__class__("S-1", True, None, 0.97, NOW)
    served.live_state.believe({"S-1": state}, frozenset({"S-1"}), [])
    bay = served.client.get("/api/v1/bays/S-1").json()
    assert (bay["camera"], bay["state"]) == ("sensors", "occupied")
    bays = served.client.get("/api/v1/bays").json()
    assert bays["bays"][-1]["id"] == "S-1"
    assert bays["counts"]["total"] == len(view.states) + 1
    assert [each["id"] for each in served.client.get("/api/v1/cameras").json()["cameras"]] == [
        "north"
    ]
    assert (
        'lotsight_bays{camera="sensors",state="occupied"} 1.0' in served.client.get("/metrics").text
    )
