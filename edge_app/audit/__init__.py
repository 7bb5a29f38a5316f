"""How often the published states are right, told from sampled second opinions."""

from edge_app.audit.auditor import Auditor
from edge_app.audit.estimate import AccuracyEstimate, LookTally, estimate_accuracy, tally_look

__all__ = ["AccuracyEstimate", "Auditor", "LookTally", "estimate_accuracy", "tally_look"]
