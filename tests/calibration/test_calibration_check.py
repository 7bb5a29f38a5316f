from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from calibration import (
    Bay,
    Calibration,
    CheckSettings,
    Code,
    Lot,
    Mask,
    Severity,
    check_calibration,
    errors_of,
    normalise_bay,
    normalise_calibration,
)
from calibration.network_check import check_for_network
from tests.networks import scripted_spec

Make = Callable[..., Calibration]

SPEC = scripted_spec(input_wh=(960, 544))


def with_bay(calibration: Calibration, **fields: object) -> Calibration:
    changed = calibration.bays[1].model_copy(update=fields)
    return calibration.model_copy(
        update={"bays": (calibration.bays[0], changed, *calibration.bays[2:])}
    )


def test_good_bays_have_no_findings(make_calibration: Make) -> None:
    assert check_calibration(make_calibration(10)) == ()


SQUARE = ((0.2, 0.3), (0.28, 0.3), (0.28, 0.5), (0.2, 0.5))


@pytest.mark.parametrize(
    ("fields", "code", "severity", "said"),
    [
        pytest.param({"id": "A01"}, Code.DUPLICATE_ID, Severity.ERROR, "got 2", id="same id"),
        pytest.param({"id": "Z9"}, Code.RETIRED_ID, Severity.ERROR, "deleted bay", id="retired"),
        pytest.param(
            {"polygon": ((0.12, 0.3), (0.19, 0.5), (0.19, 0.3), (0.12, 0.5))},
            Code.SELF_CROSSING,
            Severity.ERROR,
            "cross or touch",
            id="bow tie",
        ),
        pytest.param(
            {"polygon": ((0.12, 0.3), (0.19, 0.3), (0.12, 0.3), (0.12, 0.5))},
            Code.SELF_CROSSING,
            Severity.ERROR,
            "cross or touch",
            id="spike",
        ),
        pytest.param(
            {"polygon": ((0.12, 0.3), (0.13, 0.4), (0.14, 0.5))},
            Code.TINY,
            Severity.ERROR,
            "at least 4 px across, but got 0.0 px",
            id="points on a line",
        ),
        pytest.param(
            {"polygon": ((0.12, 0.3), (0.19, 0.3), (0.19, 0.303), (0.12, 0.303))},
            Code.TINY,
            Severity.ERROR,
            "but got 2.2 px",
            id="sliver",
        ),
        pytest.param(
            {"polygon": ((0.12, 0.8), (0.19, 0.8), (0.19, 1.2))},
            Code.OUTSIDE,
            Severity.ERROR,
            "1 outside, first (0.19, 1.2)",
            id="outside",
        ),
        pytest.param(
            {"polygon": ((0.04, 0.3), (0.12, 0.3), (0.12, 0.5), (0.04, 0.5))},
            Code.OVERLAP,
            Severity.ERROR,
            "got 75% with A01",
            id="heavy overlap",
        ),
        pytest.param(
            {"polygon": ((0.08, 0.3), (0.16, 0.3), (0.16, 0.5), (0.08, 0.5))},
            Code.OVERLAP,
            Severity.WARNING,
            "got 25% with A01",
            id="some overlap",
        ),
        pytest.param(
            {"polygon": ((0.12, 0.3), (0.12, 0.5), (0.19, 0.5), (0.19, 0.3))},
            Code.COUNTER_CLOCKWISE,
            Severity.WARNING,
            "counter-clockwise",
            id="counter-clockwise",
        ),
        pytest.param(
            {"ground_quad": ((0.12, 0.3), (0.19, 0.5), (0.19, 0.3), (0.12, 0.5))},
            Code.BAD_QUAD,
            Severity.ERROR,
            "ground quad",
            id="crossing ground quad",
        ),
        pytest.param(
            {"level": "P9"}, Code.UNKNOWN_LEVEL, Severity.ERROR, "(P1), but got 'P9'", id="level"
        ),
    ],
)
def test_each_fault_is_found_with_its_bay_and_remedy(
    make_calibration: Make, fields: dict[str, object], code: Code, severity: Severity, said: str
) -> None:
    base = make_calibration(3, retired_ids=("Z9",), lot=Lot(levels=("P1",)))
    changed = with_bay(base, **fields)
    findings = check_calibration(changed)
    assert [(finding.code, finding.severity) for finding in findings] == [(code, severity)]
    assert findings[0].bay == changed.bays[1].id
    assert said in findings[0].message
    assert findings[0].remedy
    assert bool(errors_of(findings)) == (severity is Severity.ERROR)


def test_a_bay_within_another_is_found_whatever_the_sizes(make_calibration: Make) -> None:
    inner = ((0.13, 0.35), (0.16, 0.35), (0.16, 0.4), (0.13, 0.4))
    base = make_calibration(2)
    both = base.model_copy(update={"bays": (*base.bays, Bay(id="X1", polygon=inner))})
    assert [finding.bay for finding in errors_of(check_calibration(both))] == ["X1"]


def test_findings_come_in_layout_order_with_a_place(make_calibration: Make) -> None:
    base = make_calibration(3)
    tiny = ((0.5, 0.5), (0.5, 0.5005), (0.5005, 0.5))
    bays = tuple(
        bay.model_copy(update={"polygon": tuple((x + i * 0.1, y) for x, y in tiny)})
        for i, bay in enumerate(base.bays[::-1])
    )
    findings = check_calibration(base.model_copy(update={"bays": bays}))
    assert [finding.bay for finding in findings] == ["A03", "A02", "A01"]
    assert all(finding.at_norm is not None for finding in findings)


def test_no_bays_is_a_warning() -> None:
    findings = check_calibration(Calibration(camera="n", image_wh=(640, 480)))
    assert [(finding.code, finding.severity) for finding in findings] == [
        (Code.NO_BAYS, Severity.WARNING)
    ]


def test_masks_over_bays_and_crossing_masks_are_named(make_calibration: Make) -> None:
    over = Mask(name="window", polygon=((0, 0), (0.06, 0), (0.06, 1), (0, 1)))
    bow = Mask(name="bow", polygon=((0.8, 0.8), (0.9, 0.9), (0.9, 0.8), (0.8, 0.9)))
    findings = check_calibration(make_calibration(3, masks=(over, bow)))
    assert {(finding.code, finding.bay) for finding in findings} == {
        (Code.SELF_CROSSING, None),
        (Code.MASKED, "A01"),
    }
    assert any("'bow'" in finding.message for finding in findings)


def test_thresholds_can_be_set(make_calibration: Make) -> None:
    strict = CheckSettings(least_side_px=200)
    assert len(errors_of(check_calibration(make_calibration(3), strict))) == 3


def test_tidying_turns_drops_and_clips_and_says_so() -> None:
    drawn = ((0.1, -0.01), (0.1, 0.4), (0.1, 0.4), (0.3, 0.4), (0.3, 0.0), (0.1, -0.01))
    tidied, said = normalise_bay(Bay(id="a", polygon=drawn))
    assert tidied.polygon == ((0.1, 0.0), (0.3, 0.0), (0.3, 0.4), (0.1, 0.4))
    assert {finding.code for finding in said} == {Code.CLIPPED, Code.COUNTER_CLOCKWISE}
    assert all(finding.severity is Severity.INFO for finding in said)
    assert normalise_bay(tidied) == (tidied, ())


def test_tidying_leaves_faults_to_be_reported() -> None:
    far_outside = Bay(id="a", polygon=((0.1, 0.1), (1.4, 0.1), (1.4, 0.4)))
    bow_tie = Bay(id="b", polygon=((0.1, 0.1), (0.2, 0.2), (0.2, 0.1), (0.1, 0.2)))
    all_one = Bay(id="c", polygon=((0.1, 0.1),) * 3)
    for bay in (far_outside, bow_tie, all_one):
        assert normalise_bay(bay) == (bay, ())


@pytest.mark.data
@pytest.mark.parametrize("name", ["acpds", "pklot_ufpr05", "smartlot", "nightlot"])
def test_labelled_lots_raise_no_false_alarm(shared_data: Path, name: str) -> None:
    """12,033 bays that people drew on 415 pictures, at 1600 x 1200."""
    splits = json.loads((shared_data / name / "annotations.json").read_text())
    alarms: list[str] = []
    count = 0
    for split in splits.values():
        for rois in split["rois_list"]:
            bays = tuple(
                Bay(id=f"B{i}", polygon=tuple(map(tuple, roi))) for i, roi in enumerate(rois)
            )
            tidied, _ = normalise_calibration(
                Calibration(camera="x", image_wh=(1600, 1200), bays=bays)
            )
            count += len(bays)
            alarms += [str(finding) for finding in check_calibration(tidied)]
    assert count > 300
    # Two bays of acpds at the far end of a lot really are under 4 px across.
    assert len(alarms) <= (2 if name == "acpds" else 0), alarms


def test_input_size_cost_and_small_bays_of_a_camera(make_calibration: Make) -> None:
    near = check_for_network(make_calibration(10), SPEC)
    assert near.findings == ()
    assert near.cost == pytest.approx(1, abs=0.05)
    far = Bay(id="far", polygon=((0.5, 0.1), (0.51, 0.1), (0.51, 0.12), (0.5, 0.12)))
    base = make_calibration(2)
    report = check_for_network(base.model_copy(update={"bays": (*base.bays, far)}), SPEC)
    assert [(finding.bay, finding.code) for finding in report.findings] == [("far", Code.TOO_SMALL)]
    assert f"at least {report.plan.useful_bay_px:.0f} px across" in report.findings[0].message
    assert report.bay_sizes_px[2] == pytest.approx(report.plan.smallest_bay_px)
    assert report.cost > near.cost, "it takes all the picture's pixels and is still too small"
    empty = check_for_network(Calibration(camera="n", image_wh=(1280, 720)), SPEC)
    assert (empty.findings, empty.bay_sizes_px) == ((), ())
