"""What a person says of a bay reaches the box."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_app.delivery import StoreError
from edge_app.http import PageSettings
from telemetry import BlockKind, ConfigError
from tests.edge_app.http.conftest import Serve


@dataclass
class Words:
    """Takes what is said of one bay only."""

    bay: str = "A1"
    said: list[tuple[str, object]] = field(default_factory=list)

    def confirm(self, bay: str, occ: bool) -> None:
        if bay != self.bay:
            msg = f"expected a bay that a camera sees, but got {bay!r}"
            raise ConfigError(msg)
        self.said.append((bay, occ))

    def block(self, bay: str, kind: BlockKind | None) -> None:
        if bay != self.bay:
            msg = f"expected a bay of the layout, but got {bay!r}"
            raise StoreError(msg)
        self.said.append((bay, kind))


def test_answers_and_blocks_are_taken(serve: Serve) -> None:
    words = Words()
    client = serve(settings=PageSettings(bays=words)).client
    assert client.post("/api/v1/bays/A1/confirm", json={"occupied": True}).status_code == 204
    assert client.post("/api/v1/bays/A1/blocked", json={"kind": "snow"}).status_code == 204
    assert client.post("/api/v1/bays/A1/blocked", json={"kind": None}).status_code == 204
    assert words.said == [("A1", True), ("A1", BlockKind.SNOW), ("A1", None)]
    for path, body, status in (
        ("A9/confirm", {"occupied": True}, 404),
        ("A9/blocked", {"kind": "snow"}, 404),
        ("A1/confirm", {"occupied": "perhaps"}, 422),
        ("A1/confirm", {}, 422),
        ("A1/blocked", {"kind": "tree"}, 422),
        ("A1/blocked", {}, 422),
        ("A%2F1/confirm", {"occupied": True}, 404),
    ):
        assert client.post(f"/api/v1/bays/{path}", json=body).status_code == status, path
    assert len(words.said) == 3


def test_a_box_that_takes_no_answers_says_so(serve: Serve) -> None:
    client = serve().client
    answer = client.post("/api/v1/bays/A1/confirm", json={"occupied": True})
    assert (answer.status_code, answer.json()["detail"]) == (404, "nothing takes answers here")
