"""Calibrations edited in the cloud: who may, what is checked, and what comes of it at the box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, select

from calibration import load_calibration
from calibration.editor.routes import router
from cloud_app.accounts.roles import Role
from cloud_app.api.access import digest_of
from cloud_app.api.editor_mount import MOUNT, OF_EDITOR, is_file
from cloud_app.api.policy import Permission
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.fleet.calibrations import records
from cloud_app.fleet.calibrations.tables import calibration_revision
from cloud_app.fleet.progress import forget_files
from cloud_app.storage.sqlite import SqliteDatabase
from tests.cloud_app.accounts.kit import NORTH, PEOPLE, SOUTH, add, audit_actions, signed_in
from tests.cloud_app.calibrated_box import WINDOW, CalibratedBox, square
from tests.cloud_app.hub import Hub, fill
from tests.cloud_app.scripted_edge import ScriptedEdge

HTTP = HttpConfig(
    tokens=(TokenConfig(name="ops", sha256=digest_of("ops"), scopes=frozenset(Scope)),)
)
TESS = "tess@example.org"
PAGE = "/api/v1/edges/box-1/cameras/cam-1/calibration"
EDITOR = "/calibrate/box-1/api/cam-1"


@dataclass
class Desk:
    """A technician at the editor, and the box."""

    hub: Hub
    box: CalibratedBox
    tess: httpx.Client

    def fetch(self) -> Any:
        assert self.tess.post(f"{PAGE}/fetch").status_code == 202
        assert self.box.answer_commands() == ["camera_calibration", "camera_reference"]
        return self.tess.get(PAGE).json()

    def session(self) -> Any:
        answer = self.tess.get(f"{EDITOR}/session")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def save(self, base: int, *bays: Any, **more: Any) -> httpx.Response:
        lot: Any = {"name": "lot", "location": None, "street": "off_street", "levels": []}
        drawn = [bay.model_dump(mode="json") for bay in bays]
        masks = [WINDOW.model_dump(mode="json")]
        document = {"bays": drawn, "lot": lot, "masks": masks, **more}
        body = {"base_revision": base, "document": document, "note": "repainted"}
        return self.tess.post(f"{EDITOR}/save", json=body)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, HTTP, people=PEOPLE)
    fill(hub, ScriptedEdge())
    add(hub, TESS, (NORTH, Role.TECHNICIAN))
    box = CalibratedBox(hub, tmp_path, "north", "box-1", "cam-1")
    with signed_in(hub, TESS) as tess:
        yield Desk(hub, box, tess)
    database.close()


def message(answer: httpx.Response) -> str:
    return str(answer.json()["detail"]["message"])


def test_an_edit_reaches_the_box_and_is_taken_back(desk: Desk) -> None:
    desk.box.draw(square("a1", 0.1), square("a2", 0.3), square("a3", 0.5))
    found = desk.fetch()
    assert (found["reported"], found["newest"]) == (1, 1)
    assert found["revisions"][0]["changes"]["added"] == ["a1", "a2", "a3"]
    picture = desk.tess.get(f"{EDITOR}/picture")
    assert picture.headers["cache-control"] == "no-store"
    image = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[:2] == (480, 640)
    assert image[:40, :56].max() < 16, "masked"
    session = desk.session()
    assert (session["revision"], session["can_align"], session["author"]) == (1, False, TESS)
    assert session["home"] == "/edges/box-1/cameras/cam-1/calibration"

    answer = desk.save(1, square("a1", 0.12), square("a2", 0.3), square("b1", 0.7))
    assert answer.status_code == 200, answer.text
    [edit, _] = desk.tess.get(PAGE).json()["revisions"]
    assert edit["changes"] == {"added": ["b1"], "removed": ["a3"], "changed": ["a1"], "facts": []}
    assert (edit["status"], edit["author"], edit["note"]) == ("QUEUED", TESS, "repainted")
    assert load_calibration(desk.box.file).revision == 1, "the box is away"
    assert desk.box.do_job() == "camera cam-1: revision 2 is in use"
    saved = load_calibration(desk.box.file)
    assert (saved.bay_ids, saved.retired_ids) == (("a1", "a2", "b1"), ("a3",))
    assert (saved.author, saved.note, saved.masks) == (TESS, "repainted", (WINDOW,))
    page = desk.tess.get(PAGE).json()
    assert (page["revisions"][0]["status"], page["reported"]) == ("SUCCEEDED", 2)

    back = desk.tess.post(f"{PAGE}/rollback", json={"revision": 1, "base_revision": 2})
    assert (back.status_code, back.json()["newest"]) == (202, 3)
    assert desk.box.do_job() == "camera cam-1: revision 3 is in use"
    restored = load_calibration(desk.box.file)
    assert (restored.bay_ids, restored.retired_ids) == (("a1", "a2", "a3"), ("b1",))
    again = desk.tess.post(f"{PAGE}/rollback", json={"revision": 1, "base_revision": 2})
    assert (again.status_code, "expected revision 2, but got 3" in again.text) == (409, True)
    lines = [name for name in audit_actions(desk.hub, "box-1") if name.startswith("calib")]
    assert lines == ["calibration.fetch", "calibration.save", "calibration.save"]


def test_what_cannot_be_is_told_and_nothing_is_lost(desk: Desk) -> None:
    assert "no image was fetched" in message(desk.tess.get(f"{EDITOR}/session"))
    desk.box.draw(square("a1", 0.1), square("a2", 0.3))
    assert "fetch it on the camera's page" in message(desk.tess.get(f"{EDITOR}/session"))
    desk.fetch()
    lot: Any = {"name": "lot", "location": None, "street": "off_street", "levels": []}
    fewer = {"bays": [square("a1", 0.1).model_dump(mode="json")], "lot": lot}
    [remark] = desk.tess.post(f"{EDITOR}/check", json={"document": fewer}).json()["findings"]
    assert (remark["severity"], remark["code"]) == ("warning", "deleted")
    assert "bay a2 is deleted: its history ends" in remark["message"]
    crossed = square("x", 0.5).model_copy(
        update={"polygon": ((0.5, 0.4), (0.6, 0.6), (0.6, 0.4), (0.5, 0.6))}
    )
    answer = desk.save(1, square("a1", 0.1), crossed)
    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["detail"]["findings"]] == ["self_crossing"]
    assert "window" in message(desk.save(1, square("a1", 0.1), masks=[]))
    assert "aligned at the box" in message(desk.save(1, square("a1", 0.1), new_reference=True))
    stale = desk.save(0, square("a1", 0.1))
    assert (stale.status_code, stale.json()["detail"]["calibration"]["revision"]) == (409, 1)

    # Somebody at the box is faster than the roll-out.
    assert desk.save(1, square("a1", 0.1), square("c1", 0.7)).status_code == 200
    desk.box.draw(square("a1", 0.1), square("d1", 0.5), base=1)
    told = desk.box.do_job()
    assert told is not None
    assert "revision 1 was edited, but the box has revision 2 by now" in told
    assert load_calibration(desk.box.file).bay_ids == ("a1", "d1")
    behind = desk.save(1, square("a1", 0.1))
    assert "has revision 2, and 1 is the newest known here" in message(behind)
    assert desk.fetch()["newest"] == 2
    session = desk.session()
    [draft] = session["drafts"]
    assert [bay["id"] for bay in draft["document"]["bays"]] == ["a1", "c1"]
    assert draft["base_revision"] == 1
    assert desk.tess.delete(f"{EDITOR}/draft/{draft['tab']}").status_code == 204
    drawn = {**draft, "tab": "t1", "document": {"bays": []}}
    assert desk.tess.put(f"{EDITOR}/draft/t1", json=drawn).status_code == 204
    assert [each["tab"] for each in desk.session()["drafts"]] == ["t1"]
    assert [each["revision"] for each in session["revisions"]] == [1, 2]

    desk.hub.clock.now_s += 601
    with desk.hub.database.write() as transaction:
        assert forget_files(transaction, desk.hub.context.now().now_ms) > 0
    assert "kept for 10 minutes" in message(desk.tess.get(f"{EDITOR}/picture"))
    assert desk.session()["image_wh"] == [640, 480], "bays can still be moved"


def test_the_newest_revisions_of_each_camera_are_kept(desk: Desk) -> None:
    with desk.hub.database.write() as session:
        for number in range(1, 56):
            for camera in ("cam-1", "cam-2"):
                new = records.NewRevision(
                    id=records.new_id(), edge="box-1", camera=camera, revision=number,
                    base=number - 1, author="ina", note="", changes=records.Changes(), text="{}",
                    rolls_out=False,
                )  # fmt: skip
                records.keep(session, new, 1_000 * number)
        found = records.kept(session, "box-1", "cam-1")
        rows = session.rows(select(func.count()).select_from(calibration_revision))
    assert [each.now.revision for each in found] == list(range(55, 5, -1))
    assert rows[0][0] == 100


def test_who_may(desk: Desk) -> None:
    api = {
        (MOUNT + route.path, method)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    table = {(path, method) for path, methods in OF_EDITOR.items() for method in methods}
    assert table == api
    assert {each for methods in OF_EDITOR.values() for each in methods.values()} == {
        Permission.PICTURES
    }
    assert is_file("/calibrate/box-1/static/js/ui/dom.js")
    assert not is_file("/calibrate/box-1/api/cam-1/session")
    add(desk.hub, "vic@example.org", (NORTH, Role.VIEWER))
    add(desk.hub, "sue@example.org", (SOUTH, Role.TECHNICIAN))
    with desk.hub.client("ops") as ops:
        assert ops.get("/calibrate/box-1/").status_code == 200, "the page holds no data"
        assert ops.get(f"{EDITOR}/session").status_code == 403, "people only"
        assert ops.post(f"{PAGE}/fetch").status_code == 403
        assert ops.get(f"{PAGE}x").status_code == 404
    with signed_in(desk.hub, "vic@example.org") as vic:
        assert vic.get(f"{EDITOR}/session").status_code == 403
        assert vic.get(PAGE).status_code == 200
        assert vic.post(f"{PAGE}/rollback", json={}).status_code == 403
    with signed_in(desk.hub, "sue@example.org") as sue:
        assert sue.get(f"{EDITOR}/session").status_code == 404
        assert sue.get(PAGE).status_code == 404
    assert desk.tess.get(PAGE.replace("cam-1", "cam-9")).status_code == 404
    desk.tess.headers.pop("X-CSRF-Token")
    assert desk.save(0, square("a1", 0.1)).status_code == 403
    assert desk.tess.get("/calibrate/box-1/static/js/main.js").status_code == 200
