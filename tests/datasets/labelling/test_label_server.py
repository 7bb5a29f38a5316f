"""The server behind the page: who gets which question, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import httpx
import numpy as np
import pytest

from calibration.editor import TOKEN_HEADER
from datasets.labelling.journal import journal_path, read_journals
from datasets.labelling.queue import read_queue
from telemetry import ManualClock


class Client:
    """A page without a browser."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20)
        self.token = self.http.get("/api/session").json()["token"]

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(f"/api/{path}", json=body, headers={TOKEN_HEADER: self.token})

    def next(self, reviewer: str = "ina", mode: str = "single", count: int = 1, **more: Any) -> Any:
        answer = self.post("next", reviewer=reviewer, mode=mode, count=count, **more)
        return answer.json()["questions"]

    def answer(self, questions: Any, state: str, reviewer: str = "ina", **more: Any) -> Any:
        answers = [{"item": q["item"], "state": state} for q in questions]
        body = {"id": str(uuid4()), "mode": "single", "spent_s": 2.0, **more}
        return self.post("answers", reviewer=reviewer, answers=answers, **body)


Open = Callable[..., Client]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_(queue_folder: Path, clock: ManualClock, serving: Any) -> Iterator[Open]:
    with ExitStack() as stack:

        def start(folder: Path = queue_folder) -> Client:
            client = Client(stack.enter_context(serving(folder, clock=clock)))
            stack.callback(client.http.close)
            return client

        yield start


def test_changes_need_the_token_of_the_page(open_: Open) -> None:
    client = open_()
    body = {"reviewer": "ina", "mode": "single", "count": 1}
    assert client.http.post("/api/next", json=body).status_code == 403
    foreign = {TOKEN_HEADER: client.token, "Origin": "http://elsewhere.example"}
    assert client.http.post("/api/next", json=body, headers=foreign).status_code == 403
    assert len(client.next()) == 1
    policy = client.http.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy


def test_questions_come_in_order_and_not_twice(open_: Open, queue_folder: Path) -> None:
    client = open_()
    queue = read_queue(queue_folder)
    wanted = [queue.id_of(item) for item in queue.items]
    first = client.next(count=5)
    assert [q["item"] for q in first] == wanted[:5]
    more = client.next(count=5, have=wanted[:5])
    assert [q["item"] for q in more] == wanted[5:10]
    progress = client.answer(first, "free").json()
    assert (progress["answered"], progress["left"], progress["mine"]) == (5, 55, 5)
    assert progress["per_minute"] == 150
    assert [q["item"] for q in client.next(count=2)] == wanted[5:7]


def test_a_grid_has_one_suggestion(open_: Open) -> None:
    client = open_()
    screen = client.next(mode="grid", count=20)
    assert len(screen) == 20
    assert len({q["suggestion"] for q in screen}) == 1


def test_two_people_do_not_get_the_same(open_: Open, clock: ManualClock) -> None:
    client = open_()
    ina = {q["item"] for q in client.next("ina", count=10)}
    otto = {q["item"] for q in client.next("otto", count=10)}
    assert not ina & otto
    clock.advance(3600)  # ina went home without answering
    assert {q["item"] for q in client.next("otto", count=10)} == ina


def test_what_all_are_asked_is_asked_of_all_and_not_told(
    lots: Any, make: Any, tmp_path: Path, open_: Open
) -> None:
    make(lots.pool, tmp_path / "twice", count=10, twice_share=0.5)
    client = open_(tmp_path / "twice")
    client.answer(client.next("ina", count=10), "occupied", "ina")
    again = client.next("otto", count=10)
    assert len(again) == 5
    assert all(q["votes"] == [] for q in again), "the first answer would lead the second"
    client.answer(again, "free", "otto")
    assert client.http.get("/api/progress?reviewer=otto").json()["disputed"] == 5
    disputes = client.next("eva", mode="settle", count=10)
    assert {(v["reviewer"], v["state"]) for v in disputes[0]["votes"]} == {
        ("ina", "occupied"),
        ("otto", "free"),
    }
    settled = client.answer(disputes, "free", "eva", mode="settle").json()
    assert settled["disputed"] == 0


def test_what_one_cannot_tell_goes_to_another(open_: Open) -> None:
    client = open_()
    first = client.next("ina", count=3)
    client.answer(first, "unknown", "ina")
    names = {q["item"] for q in first}
    assert not names & {q["item"] for q in client.next("ina", count=64)}
    assert names <= {q["item"] for q in client.next("otto", count=64)}


def test_sent_twice_counts_once(open_: Open, queue_folder: Path) -> None:
    client = open_()
    questions = client.next(count=2)
    one = {"id": str(uuid4())}
    assert client.answer(questions, "free", **one).status_code == 200
    assert client.answer(questions, "free", **one).status_code == 200
    assert len(read_journals(queue_folder)["ina"]) == 1


def test_undo_gives_the_questions_back_with_the_answer(open_: Open) -> None:
    client = open_()
    first, second = client.next(count=2), None
    client.answer(first[:1], "free")
    client.answer(first[1:], "occupied")
    number = str(uuid4())
    for _ in range(2):  # the answer got lost, so the page asks again
        second = client.post("undo", id=number, reviewer="ina").json()
        assert [(q["item"], q["was"]) for q in second["questions"]] == [
            (first[1]["item"], "occupied")
        ]
    assert second is not None
    assert second["progress"]["answered"] == 1
    third = client.post("undo", id=str(uuid4()), reviewer="ina").json()
    assert third["questions"][0]["item"] == first[0]["item"]
    none = client.post("undo", id=str(uuid4()), reviewer="ina").json()
    assert (none["mode"], none["questions"]) == (None, [])


def test_a_new_server_goes_on_where_the_old_one_was(open_: Open) -> None:
    client = open_()
    client.answer(client.next(count=7), "free")
    anew = open_()
    assert anew.http.get("/api/progress?reviewer=ina").json()["answered"] == 7
    assert anew.http.get("/api/session").json()["reviewers"] == ["ina"]


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        pytest.param({"answers": []}, 422, "answers", id="nothing"),
        pytest.param(
            {"answers": [{"item": "0" * 12 + "-1", "state": "free"}]}, 400,
            "expected a question of this queue", id="another queue's",
        ),
        pytest.param(
            {"answers": [{"item": "../../etc-1", "state": "free"}]}, 422, "item", id="no name"
        ),
        pytest.param({"reviewer": "  "}, 422, "reviewer", id="nobody"),
        pytest.param({"reviewer": "a\nb"}, 422, "reviewer", id="two lines"),
        pytest.param({"spent_s": -1}, 422, "spent_s", id="before it was shown"),
        pytest.param({"more": 1}, 422, "more", id="a field too many"),
    ],
)  # fmt: skip
def test_refused(
    change: dict[str, Any], status: int, text: str, open_: Open, queue_folder: Path
) -> None:
    client = open_()
    question = client.next()[0]
    body = {
        "id": str(uuid4()), "reviewer": "ina", "mode": "single", "spent_s": 1,
        "answers": [{"item": question["item"], "state": "free"}], **change,
    }  # fmt: skip
    answer = client.post("answers", **body)
    assert answer.status_code == status
    assert text in answer.json()["detail"]["message"]
    assert read_journals(queue_folder) == {}


def test_a_disk_that_takes_nothing_is_told_as_such(open_: Open, queue_folder: Path) -> None:
    client = open_()
    journal_path(queue_folder, "ina").parent.write_text("a file where the folder should be")
    answer = client.answer(client.next(), "free")
    assert answer.status_code == 507
    assert "cannot save the answer" in answer.json()["detail"]["message"]


def test_pictures(open_: Open, lots: Any) -> None:
    client = open_()
    question = client.next()[0]
    crop = client.http.get(f"/api/crop/{question['item']}/320.jpg")
    assert crop.headers["content-type"] == "image/jpeg"
    assert "immutable" in crop.headers["cache-control"]
    image = cv2.imdecode(np.frombuffer(crop.content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (320, 320, 3)
    frame = client.http.get(f"/api/frame/{question['frame']}.jpg")
    small = cv2.imdecode(np.frombuffer(frame.content, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape[:2] == (360, 640)
    assert client.http.get(f"/api/crop/{question['item']}/4000.jpg").status_code == 400
    assert client.http.get("/api/crop/000000000000-0/320.jpg").status_code == 400
    assert client.http.get("/api/frame/nothing.jpg").status_code == 400


def test_outline_lies_on_the_bay_in_the_crop(open_: Open, lots: Any) -> None:
    """The outline's place in the crop is the polygon's place in the picture."""
    client = open_()
    for question in client.next(count=20):
        width = question["image_wh"][0]
        polygon = np.array(question["polygon"]) * question["image_wh"]
        outline = np.array(question["outline"])
        side = np.ptp(polygon[:, 0]) / max(np.ptp(outline[:, 0]), 1e-9)
        again = np.ptp(polygon[:, 1]) / max(np.ptp(outline[:, 1]), 1e-9)
        assert side == pytest.approx(again, rel=0.05)
        assert 24 <= side <= 2 * width
        if np.min(question["polygon"]) >= 0 and np.max(question["polygon"]) <= 1:
            assert outline.min() >= -1e-3
            assert outline.max() <= 1.001


def test_a_picture_that_is_gone_is_named(lots: Any, make: Any, tmp_path: Path, open_: Open) -> None:
    queue = make(lots.pool, tmp_path / "q")
    body = queue.model_dump(mode="json")
    for frame in body["frames"]:
        frame["picture"] = "gone.png"
    (tmp_path / "q" / "queue.json").write_text(type(queue).model_validate(body).model_dump_json())
    client = open_(tmp_path / "q")
    answer = client.http.get(f"/api/crop/{client.next()[0]['item']}/320.jpg")
    assert answer.status_code == 400
    assert "gone.png: cannot read the image" in answer.json()["detail"]["message"]
