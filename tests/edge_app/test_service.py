"""Parts are started in order and stopped in the opposite one, whatever one of them does."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from edge_app.service import Closing, EdgeService


@dataclass
class Part:
    name: str
    told: list[str]
    fault: Exception | None = field(default=None)

    def start(self) -> None:
        self.told.append(f"start {self.name}")

    def stop(self) -> None:
        self.told.append(f"stop {self.name}")
        if self.fault is not None:
            raise self.fault


def test_what_leans_on_others_starts_after_them_and_stops_before_them() -> None:
    told: list[str] = []
    closing = Closing(lambda: told.append("close store"))
    service = EdgeService([closing, Part("link", told), Part("judge", told)])
    service.start()
    service.stop()
    assert told == ["start link", "start judge", "stop judge", "stop link", "close store"]


def test_a_part_that_cannot_be_stopped_keeps_no_other_from_its_stop() -> None:
    told: list[str] = []
    service = EdgeService([Part("link", told), Part("judge", told, OSError("stuck"))])
    with pytest.raises(OSError, match="stuck"):
        service.stop()
    assert told == ["stop judge", "stop link"]
