"""Bays proposed from where vehicles stand: the installer accepts, edits or rejects each.

From boxes alone, without a trained layout network: a camera is fitted for which the vehicles are as
large as cars are, the vehicles are put on the ground and turned by the votes of image and
neighbours, rows are found, and even spacing along a row gives the bays between its vehicles. All of
it is a pure function of detections (and, if given, the image).
"""

from calibration.proposals.clusters import ClusterSettings, standing_vehicles
from calibration.proposals.propose import (
    Proposal,
    ProposalSettings,
    proposals_to_bays,
    propose_from_frame,
    propose_from_frames,
)

__all__ = [
    "ClusterSettings",
    "Proposal",
    "ProposalSettings",
    "proposals_to_bays",
    "propose_from_frame",
    "propose_from_frames",
    "standing_vehicles",
]
