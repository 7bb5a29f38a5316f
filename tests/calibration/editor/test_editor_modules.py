"""The page's pure modules, run in Chromium, against the Python that does the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from shapely import Point, Polygon

from calibration import CheckSettings, RowPlan, copy_row, row_quads
from calibration.geometry import to_pixels
from calibration.homography import apply_homography, square_to_quad
from calibration.types import MOST_POINTS
from tests.kit.web import serving

pytestmark = [pytest.mark.chromium]

WH = (1280, 720)
QUAD = [(160.0, 180.0), (1100.0, 140.0), (1220.0, 420.0), (60.0, 500.0)]
ROW = {
    "corners": QUAD, "count": 7, "lines": 1, "split": 0.5, "skew": 0.0, "herringbone": False,
    "dividers": None, "pattern": "A01", "step": 1, "skip": "", "reverse": False, "snake": False,
    "kind": "standard", "zone": None, "level": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A page that can import the modules; the server serves only the files."""
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    from calibration.editor.serving import STATIC
    from pages import SHARED

    app = Starlette(
        routes=[
            Mount("/shared", StaticFiles(directory=SHARED)),
            Mount("/", StaticFiles(directory=STATIC)),
        ]
    )
    with serving(app) as url:
        page = browser.new_page()
        page.goto(f"{url}/shared/icon.svg")
        yield page
        page.close()


def call(page: Any, module: str, function: str, *arguments: Any) -> Any:
    return page.evaluate(
        """async ([module, name, args]) => {
          const found = (await import(`/js/${module}.js`))[name];
          const result = found(...args);
          return result instanceof Set ? [...result] : result;
        }""",
        [module, function, arguments],
    )


def plan(**fields: Any) -> RowPlan:
    quad = tuple((x / WH[0], y / WH[1]) for x, y in QUAD)
    return RowPlan(**{"quad": quad, "count": 7, **fields})


@pytest.mark.parametrize(
    ("js", "python"),
    [
        pytest.param({}, {}, id="even"),
        pytest.param({"count": 1}, {"count": 1}, id="one bay"),
        pytest.param({"skew": 1.4}, {"skew": 1.4 / 8.4}, id="angled"),
        pytest.param({"skew": -0.7}, {"skew": -0.7 / 7.7}, id="angled back"),
        pytest.param({"lines": 2, "split": 0.4}, {"rows": 2, "split": 0.4}, id="double"),
        pytest.param(
            {"lines": 2, "skew": 1.4, "herringbone": True},
            {"rows": 2, "skew": 1.4 / 8.4, "herringbone": True},
            id="herringbone",
        ),
        pytest.param(
            {"count": 3, "dividers": [0.2, 0.7]}, {"count": 3, "dividers": (0.2, 0.7)}, id="uneven"
        ),
    ],
)
def test_rows_are_the_same_as_in_python(page: Any, js: Any, python: Any) -> None:
    found = call(page, "geometry/rows", "rowPolygons", {**ROW, **js})
    expected = [to_pixels(quad, WH) for quad in row_quads(plan(**python), WH)]
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert np.abs(np.asarray(ours) - theirs).max() < 0.01


@pytest.mark.parametrize(("share", "dropped"), [(0.44, 0.44), (0.95, 3.9 / 7), (0.01, 2.1 / 7)])
def test_a_dragged_divider_stands_where_it_was_dropped_between_its_neighbours(
    page: Any, share: float, dropped: float
) -> None:
    to_picture = square_to_quad(np.asarray(QUAD))
    at = apply_homography(to_picture, np.array([[share, 0.4]]))[0]
    moved = call(page, "geometry/rows", "moveDivider", ROW, 2, at.tolist())
    even = [i / 7 for i in range(1, 7)]
    assert moved["dividers"] == pytest.approx([*even[:2], dropped, *even[3:]], abs=1e-4)


def test_a_copy_lies_where_python_puts_it(page: Any) -> None:
    to = (220.0, 330.0)
    found = call(page, "geometry/rows", "shiftOnGround", QUAD, QUAD[0], to)
    expected = copy_row(plan(), (to[0] / WH[0], to[1] / WH[1]), WH).quad
    assert np.abs(np.asarray(found) - to_pixels(expected, WH)).max() < 0.01
    assert call(page, "geometry/rows", "shiftOnGround", QUAD, QUAD[0], (400, -4000)) is None


def test_a_row_is_recognised_whatever_the_order_of_bays_and_corners(page: Any) -> None:
    rng = np.random.default_rng(5)
    bays = [to_pixels(quad, WH) for quad in row_quads(plan(dividers=(), count=5), WH)]
    shuffled = [np.roll(bay, rng.integers(4), axis=0).tolist() for bay in rng.permutation(bays)]
    found = call(page, "geometry/rows", "rowFromPolygons", shuffled)
    corners = np.asarray(found["corners"])
    for corner in QUAD:
        assert np.abs(corners - corner).max(axis=1).min() < 0.5
    # The drawn pattern of widths comes back: rebuilding gives the same bays.
    again = call(page, "geometry/rows", "rowPolygons", {**ROW, **found, "count": 5})
    for bay in bays:
        centres = [np.mean(a, axis=0) for a in again]
        assert min(np.abs(c - bay.mean(axis=0)).max() for c in centres) < 2.0


def test_two_rows_are_not_one(page: Any) -> None:
    square = [[0, 0], [10, 0], [10, 20], [0, 20]]
    moved = [[x + 40, y + 60] for x, y in square]
    assert call(page, "geometry/rows", "rowFromPolygons", [square, moved]) is None


@pytest.mark.parametrize(
    ("pattern", "count", "taken", "expected"),
    [
        pytest.param("A01", 15, [], "B01", id="next letter"),
        pytest.param("Z1", 4, [], "AA1", id="after Z"),
        pytest.param("001", 15, [], "016", id="numbers run on"),
        pytest.param("A01", 15, ["B01"], "C01", id="taken is passed over"),
        pytest.param("P2-01", 9, [], "Q2-01", id="first letters count"),
    ],
)
def test_the_next_row_names_itself(
    page: Any, pattern: str, count: int, taken: list[str], expected: str
) -> None:
    found = page.evaluate(
        """async ([p, n, taken]) =>
          (await import('/js/model/naming.js')).nextRow(p, n, new Set(taken))""",
        [pattern, count, taken],
    )
    assert found == expected


def test_numbering_steps_and_leaves_out(page: Any) -> None:
    rule = {"step": 2, "skip": "13, 17-19"}
    assert call(page, "model/naming", "numbered", "A09", 4, rule) == ["A09", "A11", "A15", "A21"]


SQUARE = [[0, 0], [10, 0], [10, 10]]
LOT_FACTS: dict[str, Any] = {"name": "x", "location": None, "street": "off_street", "levels": []}


def document(bays: Any = (), regions: Any = ()) -> dict[str, Any]:
    return {
        "bays": list(bays), "regions": list(regions), "lot": LOT_FACTS, "newReference": False,
        "proposals": [],
    }  # fmt: skip


def region(kind: str, name: str, shift: float = 0) -> dict[str, Any]:
    points = [[x + shift, y] for x, y in SQUARE]
    return {"uid": f"{kind}{name}{shift}", "kind": kind, "name": name, "points": points}


def test_merge_takes_what_does_not_touch_and_asks_about_the_rest(page: Any) -> None:
    def doc(**kinds: str) -> dict[str, Any]:
        bays = [
            {"uid": i, "id": i, "points": SQUARE, "kind": kind, "angle": "angled",
             "zone": None, "level": None, "groundQuad": None}
            for i, kind in kinds.items()
        ]  # fmt: skip
        return document(bays)

    base = doc(A="standard", B="standard", C="standard", D="standard")
    mine = doc(A="ev", B="standard", C="standard", E="standard")  # A changed, D deleted, E new
    theirs = doc(A="loading", B="ev", D="standard")  # A and B changed, C deleted
    merged = call(page, "model/diff", "merge", base, mine, theirs)
    assert {bay["id"]: bay["kind"] for bay in merged["doc"]["bays"]} == {
        "A": "ev", "B": "ev", "E": "standard",
    }  # fmt: skip
    assert [conflict["title"] for conflict in merged["conflicts"]] == ["Bay A"]
    assert merged["taken"] == 2


def test_masks_and_areas_are_merged_by_kind_and_name(page: Any) -> None:
    base = document(regions=[region("mask", "a"), region("area", "a"), region("mask", "b")])
    mine = document(regions=[region("mask", "a", 5), region("area", "a"), region("mask", "b")])
    theirs = document(regions=[region("mask", "a", 9), region("area", "a", 7), region("area", "n")])
    merged = call(page, "model/diff", "merge", base, mine, theirs)
    assert [conflict["title"] for conflict in merged["conflicts"]] == ["Mask a"]
    found = {(r["kind"], r["name"]): r["points"][0][0] for r in merged["doc"]["regions"]}
    assert found == {("mask", "a"): 5, ("area", "a"): 7, ("area", "n"): 0}
    assert merged["taken"] == 3, "the moved area, the new one, the deleted mask"


def test_a_name_that_is_there_twice_does_not_vanish(page: Any) -> None:
    twice = document(regions=[region("mask", "a"), region("mask", "a", 5)])
    again = call(page, "model/diff", "merge", twice, twice, twice)
    assert len(again["doc"]["regions"]) == 2
    changes = call(page, "model/diff", "diff", document(regions=[region("mask", "a")]), twice)
    assert [(change["what"], change["title"]) for change in changes] == [("added", "Mask a")]
    assert call(page, "model/regions", "freeName", twice, "mask") == "mask 1"
    taken = document(regions=[region("mask", "mask 1"), region("area", "mask 2")])
    assert call(page, "model/regions", "freeName", taken, "mask") == "mask 2"


@pytest.mark.parametrize(
    "points",
    [
        pytest.param([[0, 0], [100, 0], [100, 100], [0, 100]], id="square"),
        pytest.param([[0, 0], [100, 0], [100, 20], [20, 20], [20, 100], [0, 100]], id="corner"),
        pytest.param(
            [[0, 0], [100, 0], [100, 90], [80, 90], [80, 20], [20, 20], [20, 90], [0, 90]], id="U"
        ),
    ],
)
def test_a_label_lies_in_its_outline(page: Any, points: Any) -> None:
    place = call(page, "geometry/polygon", "labelPoint", points)
    assert Polygon(points).contains(Point(place))


def test_a_shift_ends_at_the_rim(page: Any) -> None:
    shifted = call(page, "geometry/polygon", "shiftWithin", [[10, 20], [30, 60]], [-50, 900], WH)
    assert shifted == [-10, 660]


def test_limits_are_those_of_the_python_types(page: Any) -> None:
    def constant(module: str, name: str) -> Any:
        return page.evaluate(
            "async ([module, name]) => (await import(`/js/${module}.js`))[name]", [module, name]
        )

    settings = CheckSettings()
    assert constant("model/document", "MOST_POINTS") == MOST_POINTS
    assert constant("model/checks", "LEAST_SIDE_PX") == settings.least_side_px
    assert constant("model/checks", "OVERLAP_WARNING") == settings.overlap_warning
