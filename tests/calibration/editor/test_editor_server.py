"""The editor's server without a browser: guard, documents, saving, drafts, the live check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration import (
    RowPlan,
    load_calibration,
    row_quads,
)
from calibration.editor import (
    ClipPictures,
    EditorSession,
    LivePictures,
    StillPicture,
)
from calibration.editor.guard import TOKEN_HEADER
from calibration.editor.serving import STATIC
from telemetry import CameraError
from tests.calibration.editor.pages import Client, ClientOf, document, file_of, save


def test_page_and_every_file_it_names_are_served(client: Client) -> None:
    page = client.http.get("/")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for file in STATIC.rglob("*.*"):
        answer = client.http.get(f"/static/{file.relative_to(STATIC)}")
        assert answer.status_code == 200, file
        assert "http://" not in answer.text.replace("http://www.w3.org", ""), "nothing from afar"
        assert "https://" not in answer.text


def test_a_change_needs_the_token(client: Client, lot: Any, session: EditorSession) -> None:
    body = {"base_revision": 0, "document": document(lot)}
    refused = client.http.post("/api/north/save", json=body)
    assert refused.status_code == 403
    wrong = client.send("POST", "save", body, **{TOKEN_HEADER: "guess"})
    assert wrong.status_code == 403
    foreign = client.send("POST", "save", body, Origin="http://evil.example")
    assert foreign.status_code == 403
    assert not file_of(session).exists()
    own = str(client.http.base_url).rstrip("/")
    assert client.send("POST", "save", body, Origin=own).status_code == 200


def test_a_rebound_host_name_is_refused(session: EditorSession, client_of: ClientOf) -> None:
    client = client_of(session, hosts={"127.0.0.1:9"})
    assert client.session["camera"] == "north"
    rebound = client.http.get("/api/_/session", headers={"Host": "evil.example"})
    assert rebound.status_code == 403
    assert client.session["token"] not in rebound.text


def test_save_keeps_picture_author_and_revision(
    client: Client, lot: Any, session: EditorSession
) -> None:
    answer = save(client, lot)
    assert answer.status_code == 200
    assert answer.json()["calibration"]["revision"] == 1
    saved = load_calibration(file_of(session))
    assert (saved.author, saved.camera, saved.image_wh) == ("ina", "north", (1280, 720))
    assert saved.reference is not None
    picture = file_of(session).parent / saved.reference.file
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    # The second save keeps the reference; a new one is taken when asked for.
    assert save(client, lot, 2, base=1).json()["calibration"]["reference"]["file"] == picture.name


def test_conflict_gives_what_was_saved(client: Client, lot: Any) -> None:
    save(client, lot)
    answer = save(client, lot, 2)
    assert answer.status_code == 409
    assert answer.json()["detail"]["calibration"]["revision"] == 1


def test_invalid_is_refused_with_findings(client: Client, lot: Any, session: EditorSession) -> None:
    wrong = document(lot, 2)
    wrong["bays"][1]["id"] = "A01"
    answer = client.send("POST", "save", {"base_revision": 0, "document": wrong})
    assert answer.status_code == 422
    assert [f["code"] for f in answer.json()["detail"]["findings"]] == ["duplicate_id"]
    assert not file_of(session).exists()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("id", "a/b", "bays.0.id", id="id"),
        pytest.param("polygon", [[0, 0], [1, 1]], "bays.0.polygon", id="two points"),
        pytest.param("kind", "throne", "bays.0.kind", id="kind"),
    ],
)
def test_malformed_names_the_place(
    client: Client, lot: Any, field: str, value: Any, said: str
) -> None:
    wrong = document(lot, 1)
    wrong["bays"][0][field] = value
    answer = client.send("POST", "check", {"document": wrong})
    assert answer.status_code == 422
    assert said in answer.json()["detail"]["message"]


def test_a_deep_look_finds_hidden_bays(client: Client, lot: Any) -> None:
    """Seen almost along the ground, a car is hidden by the van beside it."""
    flat = document(lot, 1)
    row = RowPlan(quad=((0.05, 0.60), (0.6, 0.57), (0.66, 0.58), (0.1, 0.63)), count=8)
    flat["bays"] = [
        {"id": f"A0{i}", "polygon": quad} for i, quad in enumerate(row_quads(row, (1280, 720)))
    ]
    quick = client.send("POST", "check", {"document": flat}).json()["findings"]
    deep = client.send("POST", "check", {"document": flat, "deep": True}).json()["findings"]
    assert "hidden" not in {finding["code"] for finding in quick}
    assert "hidden" in {finding["code"] for finding in deep}
    assert all(f["remedy"] for f in deep)


def test_roll_back_and_revisions(client: Client, lot: Any, session: EditorSession) -> None:
    save(client, lot, 3)
    save(client, lot, 2, base=1)
    answer = client.send("POST", "rollback", {"revision": 1, "base_revision": 2})
    assert answer.json()["calibration"]["revision"] == 3
    assert len(load_calibration(file_of(session)).bays) == 3
    stale = client.send("POST", "rollback", {"revision": 1, "base_revision": 2})
    assert stale.status_code == 409
    listed = client.send("GET", "revisions").json()["revisions"]
    assert [(r["revision"], r["bays"]) for r in listed] == [(1, 3), (2, 2), (3, 3)]
    assert len(client.send("GET", "revisions/2").json()["calibration"]["bays"]) == 2
    assert client.send("GET", "revisions/9").status_code == 400


def test_drafts_are_kept_as_they_come(client: Client, session: EditorSession) -> None:
    draft = {
        "tab": "t1", "saved_at": "2026-11-24T12:00:00Z", "base_revision": 0,
        "document": {"bays": "anything"},
    }  # fmt: skip
    assert client.send("PUT", "draft/t1", draft).status_code == 204
    assert client.send("GET", "session").json()["drafts"][0]["document"] == {"bays": "anything"}
    assert client.send("PUT", "draft/..%2Fx", draft).status_code in {404, 422}
    assert client.send("DELETE", "draft/t1").status_code == 204
    assert session.drafts.all() == []
    for number in range(12):
        client.send("PUT", f"draft/t{number}", draft)
    assert len(session.drafts.all()) == 8


def test_export_then_import_own_file(client: Client, lot: Any) -> None:
    text = client.send("POST", "export", {"document": document(lot, 3), "format": "lotsight"}).text
    headers = {TOKEN_HEADER: client.session["token"]}
    answer = client.http.post("/api/north/import?name=x.json", content=text, headers=headers)
    assert [bay["id"] for bay in answer.json()["bays"]] == ["A01", "A02", "A03"]
    garbage = client.http.post("/api/north/import?name=x.json", content="{", headers=headers)
    assert garbage.status_code == 400
    assert "x.json" in garbage.json()["detail"]["message"]


def coco(wh: tuple[int, int], *labels: str) -> str:
    outline = [100, 300, 200, 300, 200, 400, 100, 400]
    annotations = [
        {"id": n, "image_id": 1, "category_id": n, "segmentation": [outline], "bbox": [1, 1, 9, 9]}
        for n, _ in enumerate(labels)
    ]
    return json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg", "width": wh[0], "height": wh[1]}],
        "categories": [{"id": n, "name": label} for n, label in enumerate(labels)],
        "annotations": annotations,
    })  # fmt: skip


def test_what_a_file_does_not_say_is_told_by_the_page(client: Client, lot: Any) -> None:
    def import_(content: str, **choice: Any) -> Any:
        headers = {TOKEN_HEADER: client.session["token"]}
        return client.http.post(
            "/api/north/import", params={"name": "x", **choice}, content=content, headers=headers
        )

    height, width = lot.image_bgr.shape[:2]
    wide, tall = (width, height), (width, 2 * height)
    assert "--category" in import_(coco(wide, "car", "road")).json()["detail"]["message"]
    assert len(import_(coco(wide, "car", "road"), category="car").json()["bays"]) == 1
    assert len(import_(coco(wide, "car", "road"), category=["car", "road"]).json()["bays"]) == 2
    assert "--stretch" in import_(coco(tall, "bay")).json()["detail"]["message"]
    assert len(import_(coco(tall, "bay"), stretch=True).json()["bays"]) == 1
    corners = "[[10, 10, 20, 20]]"
    assert import_(corners, format="corners", box="wide").status_code == 400
    [bay] = import_("[[10, 10]]", format="corners", box="30x20").json()["bays"]
    assert round((bay["polygon"][1][0] - bay["polygon"][0][0]) * wide[0]) == 30


def test_unknown_camera_and_format(client: Client, lot: Any) -> None:
    assert client.http.get("/api/south/session").status_code == 404
    body = {"document": document(lot), "format": "dwg"}
    assert "expected one of" in client.send("POST", "export", body).json()["detail"]["message"]


def test_clip_gives_the_picture_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(30):
        writer.write(np.full((48, 64, 3), number * 8, np.uint8))
    writer.release()
    clip = ClipPictures(path)
    assert clip.duration_s == pytest.approx(2.9)
    for time_s, shade in ((0.0, 0), (1.0, 80), (2.0, 160), (99.0, 232)):
        assert clip.picture(time_s).mean() == pytest.approx(shade, abs=6)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_text("no picture")
    with pytest.raises(CameraError, match="expected a whole image"):
        StillPicture(path)
    with pytest.raises(CameraError, match="expected a clip"):
        ClipPictures(path)
    with pytest.raises(CameraError, match="is the camera running"):
        LivePictures("cam", lambda: None).picture(0)


def test_damaged_file_is_not_overwritten(client: Client, lot: Any, session: EditorSession) -> None:
    save(client, lot)
    data = json.loads(file_of(session).read_text())
    data["camera"] = "south"
    file_of(session).write_text(json.dumps(data))
    answer = client.http.get("/api/_/session")
    assert answer.status_code == 400
    assert "checksum" in answer.json()["detail"]["message"]
    assert save(client, lot, 2, base=1).status_code == 400
    assert json.loads(file_of(session).read_text()) == data
