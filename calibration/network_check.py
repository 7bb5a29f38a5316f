"""What a network can do with a camera's bays: input size, cost, bays too small to judge."""

from __future__ import annotations

from dataclasses import dataclass

from calibration.findings import Code, Finding, Severity
from calibration.types import Calibration
from vision.geometry import bay_sizes_px
from vision.input_size import InputPlan, plan_input
from vision.types import NetworkSpec


@dataclass(frozen=True, slots=True)
class NetworkReport:
    """How one camera's images would go through a network.

    Attributes:
        plan: input size and tiles.
        cost: pixels that the network works on for one frame, as a multiple of its default input.
        bay_sizes_px: side of each bay (root of its area) in the input, pixels, in layout order.
        findings: a warning for each bay that is too small.
    """

    plan: InputPlan
    cost: float
    bay_sizes_px: tuple[float, ...]
    findings: tuple[Finding, ...]


def check_for_network(calibration: Calibration, spec: NetworkSpec) -> NetworkReport:
    """Plan a camera's input for a network and look for bays too small in it.

    Args:
        calibration: the camera's bays, on images of `calibration.image_wh`.
        spec: of the network.
    """
    polygons = calibration.polygons_norm()
    plan = plan_input(polygons, calibration.image_wh, spec)
    in_picture = bay_sizes_px(polygons, calibration.image_wh)
    smallest = float(in_picture.min()) if len(in_picture) else 1.0
    scale = plan.smallest_bay_px / smallest
    sizes = tuple(float(size) * scale for size in in_picture)
    findings = tuple(
        Finding(
            Severity.WARNING,
            Code.TOO_SMALL,
            bay.id,
            f"expected at least {plan.useful_bay_px:.0f} px across in the network's input, but got "
            f"{size:.0f} px",
            "use a larger image, zoom in or move the camera closer, or leave this bay out",
            bay.polygon[0],
        )
        for bay, size in zip(calibration.bays, sizes, strict=True)
        if size < plan.useful_bay_px
    )
    default_px = spec.input_wh[0] * spec.input_wh[1]
    return NetworkReport(plan, plan.input_px / default_px, sizes, findings)
