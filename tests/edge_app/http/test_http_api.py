"""Health, metrics, bays, events and pictures over real HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from calibration.types import Mask
from edge_app.alarms import Alarm, AlarmKind
from edge_app.http import PageSettings, PictureSettings
from edge_app.live_state import CameraCondition, CameraStatus, LiveView
from simulator import SimulatedLot
from vision.privacy import PrivacySettings
from vision.types import ImageBgr

if TYPE_CHECKING:
    from tests.edge_app.http.conftest import Serve

MakeView = Callable[..., LiveView]


def picture(answer: httpx.Response) -> ImageBgr:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    decoded = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(decoded, np.uint8)


def test_live_and_ready_when_all_is_well(serve: Serve) -> None:
    served = serve()
    assert served.client.get("/health/live").json() == {"status": "live"}
    ready = served.client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})


def test_a_box_whose_judge_is_stuck_is_not_live(serve: Serve) -> None:
    served = serve()
    served.box.silent_s = 119.0
    assert served.client.get("/health/live").status_code == 200
    served.box.silent_s = 121.0
    live = served.client.get("/health/live")
    assert (live.status_code, live.json()) == (503, {"status": "stuck"})


def test_ready_names_every_reason(serve: Serve, make_view: MakeView) -> None:
    served = serve()
    view = make_view()
    lost = CameraStatus(CameraCondition.LOST, "no frame for 20 s")
    served.live_state.publish(replace(view, status=lost, calibration=None))
    assert served.box.now.link is not None
    link = replace(served.box.now.link, connected=False, last_error="refused")
    alarms = (
        Alarm(AlarmKind.CALIBRATION, "camera north: no bays", "north.json", "", "north"),
        Alarm(AlarmKind.CAMERA, "camera north: lost", "told a second ago", "", "north"),
        Alarm(AlarmKind.MODEL, "no model can be loaded", "net.json is missing"),
    )
    served.box.change(alarms=alarms, model=None, link=link)
    ready = served.client.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["reasons"] == [
        "no model can be loaded: net.json is missing",
        "camera north: lost: no image: no frame for 20 s",
        "camera north: no bays: north.json",
        "no connection to the broker: refused",
    ]
    assert served.client.get("/health/live").status_code == 200


def test_a_camera_that_starts_is_no_alarm_but_not_ready(serve: Serve, make_view: MakeView) -> None:
    served = serve(view=replace(make_view(), status=CameraStatus()))
    ready = served.client.get("/health/ready")
    assert (ready.status_code, ready.json()["reasons"]) == (503, ["camera north: starting"])
    status = served.client.get("/api/v1/status").json()
    assert (status["alarms"], status["starting"]) == ([], ["north"])


def test_what_is_wrong_is_told_with_what_to_do(serve: Serve, make_view: MakeView) -> None:
    served = serve()
    lost = CameraStatus(CameraCondition.LOST, "no answer")
    served.live_state.publish(replace(make_view(), status=lost))
    [alarm] = served.client.get("/api/v1/status").json()["alarms"]
    assert (alarm["kind"], alarm["camera"]) == ("camera", "north")
    assert alarm["text"] == "camera north: lost"
    assert alarm["detail"] == "no image: no answer"
    assert "network cable" in alarm["remedy"]


def test_bays_with_counts_and_filters(serve: Serve, lot: SimulatedLot) -> None:
    served = serve()
    body = served.client.get("/api/v1/bays").json()
    assert [bay["id"] for bay in body["bays"]] == list(lot.bay_ids)
    truth = lot.truth(1.0)
    for bay in body["bays"][:-1]:
        assert bay["occupied"] is truth[bay["id"]]
    assert body["bays"][-1]["state"] == "unknown"
    assert body["bays"][-1]["reason"] == "occluded"
    assert sum(body["counts"][s] for s in ("free", "occupied", "unknown")) == len(lot.bay_ids)
    occupied = served.client.get("/api/v1/bays", params={"state": "occupied"}).json()["bays"]
    assert {bay["state"] for bay in occupied} == {"occupied"}
    zone = served.client.get("/api/v1/bays", params={"zone": "A"}).json()["bays"]
    assert {bay["id"][0] for bay in zone} == {"A"}
    assert served.client.get("/api/v1/bays", params={"state": "full"}).status_code == 422


def test_closed_is_told_beside_the_state(serve: Serve) -> None:
    served = serve()
    served.box.change(closed_bays=frozenset({"A02"}))
    assert served.client.get("/api/v1/bays/A02").json()["closed"] is True
    assert served.client.get("/api/v1/bays/A03").json()["closed"] is False


def test_why_tells_what_the_last_picture_said(serve: Serve, lot: SimulatedLot) -> None:
    served = serve()
    served.happen("A01", True)
    served.happen("A02", False)
    why = served.client.get("/api/v1/bays/A01/why").json()
    assert why["frame"]["probability"] == pytest.approx(0.05 + 0.9 * lot.truth(1.0)["A01"])
    assert why["frame"]["vehicles"][0]["confidence"] == 0.88
    assert why["frame"]["vehicles"][0]["overlap"] > 0.4
    assert [event["bay"] for event in why["events"]] == ["A01"]
    assert "Bay A01 is" in why["explanation"]
    unknown = served.client.get(f"/api/v1/bays/{lot.bay_ids[-1]}/why").json()
    assert unknown["explanation"] == "State unknown: occluded."


@pytest.mark.parametrize(
    "path",
    ["/api/v1/bays/Z99", "/api/v1/bays/Z99/why", "/api/v1/cameras/x", "/cameras/x/still.jpg"],
)
def test_what_there_is_not_is_404(serve: Serve, path: str) -> None:
    assert serve().client.get(path).status_code == 404


def test_still_shows_the_frame_with_and_without_bays(serve: Serve, make_view: MakeView) -> None:
    served = serve()
    plain = picture(served.client.get("/cameras/north/still.jpg?overlay=false"))
    drawn = picture(served.client.get("/cameras/north/still.jpg"))
    frame = make_view().frame
    assert frame is not None
    assert plain.shape == drawn.shape == frame.image_bgr.shape
    assert np.abs(plain.astype(int) - frame.image_bgr).mean() < 6
    assert np.abs(drawn.astype(int) - plain).mean() > 3


def test_masks_are_black_in_every_picture(serve: Serve, make_view: MakeView) -> None:
    mask = Mask(name="window", polygon=((0.0, 0.0), (0.3, 0.0), (0.3, 0.3), (0.0, 0.3)))
    served = serve(view=make_view(masks=(mask,)))
    for overlay in ("true", "false"):
        image = picture(served.client.get(f"/cameras/north/still.jpg?overlay={overlay}"))
        assert image[4:100, 4:180].max() < 24
        assert image[4:100, 220:].mean() > 60


def test_what_lies_outside_the_lot_can_be_obscured(serve: Serve, make_view: MakeView) -> None:
    settings = PageSettings(pictures=PictureSettings(privacy=PrivacySettings(bay_px=0)))
    image = picture(serve(settings=settings).client.get("/cameras/north/still.jpg?overlay=false"))
    frame = make_view().frame
    assert frame is not None

    def detail(picture: ImageBgr, rows: slice) -> float:
        return float(cv2.Laplacian(picture[rows, 100:540], cv2.CV_32F).std())

    houses, bays = slice(0, 60), slice(210, 280)
    assert detail(image, houses) < 0.8 * detail(frame.image_bgr, houses)
    assert np.abs(image[bays].astype(int) - frame.image_bgr[bays])[:, 150:500].mean() < 8


def test_a_bay_has_a_picture_of_its_own(serve: Serve) -> None:
    image = picture(serve().client.get("/api/v1/bays/A03/picture.jpg"))
    assert 40 < image.shape[0] < 300
    assert 40 < image.shape[1] < 400


def test_no_picture_yet_is_503(serve: Serve, make_view: MakeView) -> None:
    served = serve()
    served.live_state.publish(replace(make_view(), frame=None))
    answer = served.client.get("/cameras/north/still.jpg")
    assert answer.status_code == 503
    assert "no image yet" in answer.json()["detail"]


def test_a_picture_is_encoded_once_for_everybody(serve: Serve, make_view: MakeView) -> None:
    served = serve()

    def still(_: int) -> bytes:
        url = f"{served.client.base_url}/cameras/north/still.jpg"
        return httpx.get(url, timeout=30).content

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(still, range(16)))
    assert len(set(answers)) == 1
    assert served.app.state.http.pictures.encoded == 1  # type: ignore[attr-defined]
    served.live_state.publish(make_view(2))
    assert still(0) != answers[0]


def parts(answer: httpx.Response) -> Iterator[bytes]:
    """Pictures of a multipart answer, as they come."""
    data = b""
    for chunk in answer.iter_bytes():
        data += chunk
        while (start := data.find(b"\xff\xd8")) >= 0 and (end := data.find(b"\xff\xd9", start)) > 0:
            yield data[start : end + 2]
            data = data[end + 2 :]


def test_the_moving_picture_moves_and_viewers_are_bounded(
    serve: Serve, make_view: MakeView
) -> None:
    served = serve(settings=PageSettings(max_viewers=1))
    with served.client.stream("GET", "/cameras/north/live.mjpg") as answer:
        assert answer.headers["content-type"].startswith("multipart/x-mixed-replace")
        pictures = parts(answer)
        first = next(pictures)
        refused = httpx.get(f"{served.client.base_url}/cameras/north/live.mjpg", timeout=20)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "10"
        served.live_state.publish(make_view(3))
        assert next(pictures) != first
    for _ in range(100):
        if served.app.state.http.viewers == 0:  # type: ignore[attr-defined]
            break
        time.sleep(0.05)
    else:
        pytest.fail("the viewer who left still counts")


def sse(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


def test_events_are_listed_and_streamed(serve: Serve) -> None:
    served = serve()
    served.happen("A01", True)
    with served.client.stream("GET", "/api/v1/events/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        messages = sse(answer.iter_lines())
        assert [next(messages)[0], next(messages)[0]] == ["bays", "status"]
        served.happen("A02", None)
        change = next(body for name, body in messages if name == "change")
    assert (change["bay"], change["state"], change["reason"]) == ("A02", "unknown", "occluded")
    listed = httpx.get(f"{served.client.base_url}/api/v1/events", timeout=20).json()["events"]
    assert [event["bay"] for event in listed] == ["A02", "A01"]


def test_metrics_agree_with_the_board(serve: Serve) -> None:
    served = serve()
    link_faults = [Alarm(AlarmKind.LINK, text) for text in ("not acknowledged", "refused")]
    served.box.change(alarms=(Alarm(AlarmKind.HTTP, "pages"), *link_faults))
    answer = served.client.get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text.replace("# EOF\n", ""))
        for sample in family.samples
    }
    counts = served.client.get("/api/v1/bays").json()["counts"]
    for state in ("free", "occupied", "unknown"):
        assert samples["lotsight_bays", "north", state] == counts[state]
    assert samples["lotsight_camera_judged_total", "north"] == 5
    assert samples["lotsight_camera_condition", "north", "live"] == 1
    assert samples["lotsight_camera_condition", "north", "lost"] == 0
    assert samples["lotsight_outbox_rows",] == 3
    assert samples["lotsight_ready",] == 0
    assert samples["lotsight_alarms",] == 3
    alarms = {key[1:]: v for key, v in samples.items() if key[0] == "lotsight_alarm"}
    assert alarms == {("", "link"): 2, ("", "http"): 1}


def test_status_has_all_that_the_page_shows(serve: Serve) -> None:
    body = serve().client.get("/api/v1/status").json()
    assert body["cameras"][0]["condition"] == "live"
    assert body["outbox"]["rows"] == 3
    assert body["model"]["name"] == "net"
    assert body["login"] is False
    assert body["csrf"] is None
