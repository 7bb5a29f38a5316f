"""What the box switches at the lot by itself: signs, and barriers that an alarm opens.

None of it needs the cloud or its broker: alarm input -> rule -> relay, then store -> cloud.
"""

from edge_app.outputs.barrier import BarrierOutlets
from edge_app.outputs.parts import Outputs, build_outputs
from edge_app.outputs.report import BarrierReport, InputReport, OutputsReport, SignReport
from edge_app.outputs.sign import LotFigures, bay_figures, bays_at

__all__ = [
    "BarrierOutlets",
    "BarrierReport",
    "InputReport",
    "LotFigures",
    "Outputs",
    "OutputsReport",
    "SignReport",
    "bay_figures",
    "bays_at",
    "build_outputs",
]
