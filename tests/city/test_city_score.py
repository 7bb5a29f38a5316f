"""The city's score: what counts as lost, wrong and failed, on stories with known answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from rich.console import Console

from city.part import Ask, Delivery, Published
from city.plan import PlannedLot
from city.report import show_score
from city.run import drained
from city.score import CityScore, LotScore, quantile_s, score_lot
from city.watcher import Watcher, edges_in
from edge_app.demo import Claim
from simulator import TruthChange
from telemetry import ManualClock
from tests.city.conftest import planned

EMPTY: dict[str, object] = {"stream": None}


def stream(epoch: int, upto: int, lost: int = 0) -> dict[str, object]:
    return {"stream": {"epoch": epoch, "upto": upto, "top": upto, "lost": lost}}


@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (stream(7, 10), Delivery(10, 10, 0)),
        (stream(7, 12), Delivery(10, 10, 0)),
        (stream(7, 8), Delivery(10, 8, 2)),
        (stream(7, 10, lost=3), Delivery(10, 10, 3)),
        (stream(6, 400), Delivery(10, 0, 10)),
        (EMPTY, Delivery(10, 0, 10)),
    ],
)
def test_what_came_of_a_boxs_events(edge: dict[str, object], expected: Delivery) -> None:
    assert Delivery.of(Published(7, 10, 10), edge) == expected


@dataclass
class Story:
    """A part with a lot of which everything is known."""

    told: dict[str, Published] = field(default_factory=dict)
    changed: list[TruthChange] = field(default_factory=list)
    lots: Sequence[PlannedLot] = (planned("Church Lane"),)
    limit_s: float = 10.0
    least_right: float = 0.9
    ends_still: bool = False
    waits: bool = False
    asked: int = 0

    def start(self) -> None: ...

    def check(self) -> None: ...

    def quiesce(self) -> None: ...

    def stop(self) -> None: ...

    def time_s(self, lot: PlannedLot, mono_s: float) -> float:
        return mono_s - 100.0

    def truth(self, lot: PlannedLot, time_s: float) -> Mapping[str, bool]:
        state = {bay.said.bay: False for bay in lot.bays}
        state |= {c.bay: c.occupied for c in self.changed if c.time_s <= time_s}
        return state

    def changes(self, lot: PlannedLot, to_s: float) -> Sequence[TruthChange]:
        return [c for c in self.changed if c.time_s <= to_s]

    def delivery(self, lot: PlannedLot, published: Published, ask: Ask) -> Delivery:
        return Delivery.of(published, ask(f"edges/{lot.edge}"))

    def published(self) -> Mapping[str, Published]:
        self.asked += 1
        # The cloud's word comes with the third look.
        return {
            edge: told if self.asked > 2 else Published(told.epoch, told.seq, 0)
            for edge, told in self.told.items()
        }


def lot_score(story: Story, claims: Sequence[Claim], delivery: Delivery) -> LotScore:
    return score_lot(story, story.lots[0], claims, delivery, end_s=200.0)


GOOD = Delivery(5, 5, 0)


def test_right_wrong_and_unknown_add_up_and_a_change_on_its_way_is_none_of_them() -> None:
    story = Story(changed=[TruthChange("A01", True, 40.0)])
    claims = [
        Claim("A01", False, 100.0), Claim("A01", True, 144.0), Claim("A02", False, 100.0),
        Claim("A02", None, 150.0), Claim("A03", True, 100.0),
    ]  # fmt: skip
    found = lot_score(story, claims, GOOD)
    # Ten seconds of A01 are not settled; A02 is unknown for 50 s, A03 wrong for 100 s.
    assert found.right == pytest.approx((90 + 50) / 290)
    assert found.unknown == pytest.approx(50 / 290)
    assert found.wrong == pytest.approx(100 / 290)
    assert found.accuracy == pytest.approx(140 / 240)
    assert found.score.delays_s == (4.0,)


def test_unknown_alone_is_no_failure_but_wrong_lost_and_unseen_are() -> None:
    story = Story()
    unknown = lot_score(story, [Claim("A01", False, 100.0), Claim("A01", None, 101.0)], GOOD)
    assert CityScore((unknown,), 100.0).faults() == []
    wrong = lot_score(story, [Claim("A01", True, 100.0)], GOOD)
    [told] = CityScore((wrong,), 100.0).faults()
    assert "Church Lane was right in 0.0%" in told
    lost = lot_score(story, [Claim("A01", False, 100.0)], Delivery(5, 4, 1))
    assert CityScore((lost,), 100.0).faults() == ["1 events were lost"]
    unseen = lot_score(story, [], GOOD)
    assert CityScore((unseen,), 100.0).faults() == ["nothing was seen of Church Lane"]
    assert CityScore((unseen,), 5.0).faults() == []


def test_where_nothing_happens_any_more_the_last_states_count() -> None:
    story = Story(changed=[TruthChange("A01", True, 40.0)], ends_still=True)
    late = [Claim("A01", False, 100.0), Claim("A01", True, 199.0), Claim("A02", None, 120.0)]
    found = lot_score(story, late, GOOD)
    assert found.wrong > 0.5
    assert found.accuracy == 1.0
    never = lot_score(story, late[:1], GOOD)
    assert never.accuracy == 0.0


def test_the_table_fits_a_narrow_terminal_and_names_what_failed() -> None:
    story = Story(changed=[TruthChange("A01", True, 40.0)])
    lots = (
        lot_score(story, [Claim("A01", False, 100.0), Claim("A01", True, 144.0)], GOOD),
        lot_score(story, [], Delivery(5, 4, 1)),
    )
    console = Console(width=80, record=True, file=None, quiet=False)
    with console.capture() as capture:
        show_score(console, CityScore(lots, 100.0))
    printed = capture.get()
    assert all(len(line) <= 80 for line in printed.splitlines())
    assert "…" not in printed
    assert "Church Lane" in printed
    assert "failed: 1 events were lost" in printed


def test_a_quantile_of_few_delays() -> None:
    assert quantile_s([], 0.5) is None
    assert quantile_s([3.0], 0.95) == 3.0
    assert quantile_s([1.0, 2.0, 3.0], 0.5) == 2.0


def test_it_waits_until_the_cloud_has_said_that_it_has_everything() -> None:
    story = Story(told={"box-church-lane": Published(7, 10, 10)})
    assert drained([story], ManualClock()) == {"box-church-lane": Published(7, 10, 10)}
    assert story.asked == 3


def test_the_watcher_remembers_changes_and_takes_stale_for_unknown() -> None:
    lot = planned("Church Lane")
    watcher = Watcher(api=None, lots=[lot], clock=ManualClock())  # type: ignore[arg-type]
    said = {"bay": "A01", "state": "free", "stale": False}
    watcher.take(lot, [said], 1.0)
    watcher.take(lot, [said], 2.0)
    watcher.take(lot, [{**said, "stale": True}], 3.0)
    watcher.take(lot, [{**said, "state": "unknown"}], 4.0)
    watcher.take(lot, [{**said, "state": "occupied"}], 5.0)
    assert watcher.claims(lot) == [
        Claim("A01", False, 1.0), Claim("A01", None, 3.0), Claim("A01", True, 5.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "edges"),
    [
        ('data: {"edges": ["a", "b"]}', ["a", "b"]),
        ('data: {"open": 3}', []),
        ('data: [{"lot": "x"}]', []),
        ("data: {", []),
        ("event: change", []),
        (": heartbeat", []),
        ("", []),
    ],
)
def test_lines_of_the_stream_that_name_edges(line: str, edges: list[str]) -> None:
    assert edges_in(line) == edges
