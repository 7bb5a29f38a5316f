"""What the editor's server does with pictures: the live check, masks, alignment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration import (
    Area,
    Mask,
    list_revisions,
    load_calibration,
    save_calibration,
)
from calibration.editor import (
    EditorSession,
    LivePictures,
    NetworkJudge,
    StillPicture,
)
from tests.calibration.editor.pages import Client, ClientOf, document, file_of, save


def test_live_check_tells_what_the_judge_sees(client: Client, lot: Any) -> None:
    answer = client.send("POST", "live", {"document": document(lot, 15)})
    assert [state["occ"] for state in answer.json()["states"]] == lot.taken[:15]
    assert all(state["conf"] > 0.5 for state in answer.json()["states"])


def test_live_check_judges_under_masks_as_the_service_does(client: Client, lot: Any) -> None:
    everything = {"name": "all", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    body = {**document(lot, 15), "masks": [everything]}
    assert client.send("POST", "save", {"base_revision": 0, "document": body}).status_code == 200
    answer = client.send("POST", "live", {"document": body})
    assert [state["occ"] for state in answer.json()["states"]] == lot.taken[:15]


def test_live_check_leaves_out_what_crosses_itself(
    lot_picture: Path, tmp_path: Path, lot: Any, client_of: ClientOf
) -> None:
    from models import default_model, open_detector

    judge = NetworkJudge(open_detector(default_model(), threads=1))
    client = client_of(
        EditorSession("north", StillPicture(lot_picture), tmp_path / "n.json", judge)
    )
    crossed = document(lot, 3)
    points = crossed["bays"][1]["polygon"]
    crossed["bays"][1]["polygon"] = [points[0], points[2], points[1], points[3]]
    states = client.send("POST", "live", {"document": crossed}).json()["states"]
    assert [state["occ"] is None for state in states][1]
    assert len(states) == 3


def test_live_check_with_the_network_of_the_wheel(
    lot_picture: Path, tmp_path: Path, lot: Any, client_of: ClientOf
) -> None:
    from models import default_model, open_detector

    judge = NetworkJudge(open_detector(default_model(), threads=1))
    client = client_of(
        EditorSession("north", StillPicture(lot_picture), tmp_path / "n.json", judge)
    )
    states = client.send("POST", "live", {"document": document(lot, 5)}).json()["states"]
    assert len(states) == 5
    assert all(state["occ"] in {True, False, None} for state in states)
    codes = client.send("POST", "check", {"document": document(lot, 5)}).json()["findings"]
    assert all(f["severity"] != "error" for f in codes)


def test_without_a_model_there_is_no_live_check(
    lot_picture: Path, tmp_path: Path, lot: Any, client_of: ClientOf
) -> None:
    client = client_of(EditorSession("north", StillPicture(lot_picture), tmp_path / "n.json"))
    assert client.session["can_judge"] is False
    answer = client.send("POST", "live", {"document": document(lot)})
    assert answer.status_code == 400
    assert "expected a model" in answer.json()["detail"]["message"]


def test_masks_are_black_in_the_picture(client: Client, lot: Any, session: EditorSession) -> None:
    save(client, lot)
    present = load_calibration(file_of(session))
    mask = Mask(name="house", polygon=((0.0, 0.0), (0.5, 0.0), (0.5, 0.1), (0.0, 0.1)))
    save_calibration(file_of(session), present.model_copy(update={"masks": (mask,)}), author="otto")
    content = client.send("GET", "picture").content
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (720, 1280, 3)
    assert picture[5:60, 10:600].max() < 12
    assert picture[5:60, 700:].mean() > 60


def test_align_moves_the_bays_with_the_camera(
    lot: Any, tmp_path: Path, client_of: ClientOf
) -> None:
    pictures = [lot.image_bgr]
    session = EditorSession("north", LivePictures("test", lambda: pictures[0]), tmp_path / "n.json")
    client = client_of(session)
    save(client, lot, 15)
    turn = cv2.getRotationMatrix2D((640, 360), 3.0, 1.02)
    turn[:, 2] += (25, -14)
    pictures[0] = cv2.warpAffine(lot.image_bgr, turn, (1280, 720), borderMode=cv2.BORDER_REFLECT)
    body = {**document(lot, 15), "areas": [LANE]}
    answer = client.send("POST", "align", {"document": body}).json()
    assert answer["usable"], answer["verdict"]
    lane = np.asarray(answer["areas"][0]["polygon"]) * (1280, 720)
    corner = np.array([0.1 * 1280, 0.3 * 720]) @ turn[:, :2].T + turn[:, 2]
    assert np.abs(lane - corner).max(axis=1).min() < 1.5, "what is on the ground goes along"
    assert answer["masks"] == []
    expected = lot.bays_px[7] @ turn[:, :2].T + turn[:, 2]
    found = np.asarray(answer["polygons"][7]) * (1280, 720)
    assert np.abs(found - expected).max() < 1.0
    # Accepting it takes the new picture as the reference.
    body = {"base_revision": 1, "document": {**document(lot, 15), "new_reference": True}}
    before = load_calibration(file_of(session)).reference
    assert client.send("POST", "save", body).status_code == 200
    assert load_calibration(file_of(session)).reference != before


HOUSE = {"name": "house", "polygon": [[0, 0], [0.5, 0], [0.5, 0.1], [0, 0.1]]}
LANE = {"name": "lane", "polygon": [[0.1, 0.3], [0.9, 0.3], [0.9, 0.34], [0.1, 0.34]]}


def test_masks_and_areas_are_saved_and_given(
    client: Client, lot: Any, session: EditorSession
) -> None:
    body = {**document(lot), "masks": [HOUSE], "areas": [LANE]}
    answer = client.send("POST", "save", {"base_revision": 0, "document": body})
    assert answer.json()["calibration"]["masks"] == [HOUSE]
    assert answer.json()["calibration"]["areas"] == [LANE]
    saved = load_calibration(file_of(session))
    assert saved.masks == (Mask.model_validate(HOUSE),)
    assert saved.areas == (Area.model_validate(LANE),)
    # Empty lists delete; a document that does not name them leaves them alone.
    assert save(client, lot, 2, base=1).status_code == 200
    assert load_calibration(file_of(session)).areas == saved.areas
    bare = {**document(lot, 2), "masks": [], "areas": []}
    client.send("POST", "save", {"base_revision": 2, "document": bare})
    assert (load_calibration(file_of(session)).masks, load_calibration(file_of(session)).areas) == (
        (),
        (),
    )


def test_faulty_masks_and_areas_are_refused_by_name(
    client: Client, lot: Any, session: EditorSession
) -> None:
    crossed = {"name": "lane", "polygon": [[0.1, 0.3], [0.9, 0.34], [0.9, 0.3], [0.1, 0.34]]}
    body = {**document(lot), "masks": [HOUSE, HOUSE], "areas": [crossed]}
    answer = client.send("POST", "save", {"base_revision": 0, "document": body})
    assert answer.status_code == 422
    found = [(f["code"], f["mask"], f["area"]) for f in answer.json()["detail"]["findings"]]
    assert found == [("duplicate_name", "house", None), ("self_crossing", None, "lane")]
    two = {**document(lot), "areas": [{"name": "lane", "polygon": [[0.1, 0.3], [0.9, 0.3]]}]}
    answer = client.send("POST", "save", {"base_revision": 0, "document": two})
    assert answer.status_code == 422
    assert "areas.0.polygon: Tuple should have at least 3" in answer.json()["detail"]["message"]
    assert not file_of(session).exists()


def test_no_reference_picture_shows_what_is_masked(
    client: Client, lot: Any, session: EditorSession
) -> None:
    def reference_file(number: int) -> Path:
        revision = list_revisions(file_of(session))[number - 1].calibration
        assert revision.reference is not None
        return file_of(session).parent / revision.reference.file

    def reference(number: int) -> Any:
        return cv2.imread(str(reference_file(number)))

    body = {**document(lot), "masks": [HOUSE]}
    client.send("POST", "save", {"base_revision": 0, "document": body})
    assert reference(1)[5:60, 10:600].max() < 12, "drawn before the first save"
    right = {"name": "right", "polygon": [[0.6, 0], [1, 0], [1, 0.1], [0.6, 0.1]]}
    body["masks"] = [HOUSE, right]
    client.send("POST", "save", {"base_revision": 1, "document": body})
    assert reference(2)[5:60, 10:600].max() < 12
    assert reference(2)[5:60, 800:1270].max() < 12, "drawn after it"
    assert reference(2)[100:].mean() > 60
    assert reference(1)[5:60, 800:1270].mean() > 60, "an earlier revision keeps its own"
    # The bays changed, the masks did not: the picture stays the same file.
    body["bays"] = body["bays"][:2]
    client.send("POST", "save", {"base_revision": 2, "document": body})
    assert reference_file(3) == reference_file(2) != reference_file(1)
    # A reference that is gone is no reason to refuse a mask.
    reference_file(3).unlink()
    body["masks"] = [{"name": "left", "polygon": [[0, 0.2], [0.1, 0.2], [0.1, 0.3]]}]
    assert client.send("POST", "save", {"base_revision": 3, "document": body}).status_code == 200


def test_align_without_a_reference_says_so(client: Client, lot: Any) -> None:
    answer = client.send("POST", "align", {"document": document(lot)})
    assert answer.status_code == 400
    assert "reference image" in answer.json()["detail"]["message"]
