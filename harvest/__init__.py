"""Frames worth labelling, on their way from an edge box to a data set.

bundle = read_bundle("north-2026-11-24.tar.gz")
for frame in bundle.manifest.frames:
    bundle.path_of(frame)
"""

from harvest.bundle import HarvestBundle, is_bundle, read_bundle, write_bundle
from harvest.errors import HarvestError
from harvest.manifest import (
    HarvestedBay,
    HarvestedBox,
    HarvestedFrame,
    HarvestManifest,
    HarvestReason,
    Obscured,
)

__all__ = [
    "HarvestBundle",
    "HarvestError",
    "HarvestManifest",
    "HarvestReason",
    "HarvestedBay",
    "HarvestedBox",
    "HarvestedFrame",
    "Obscured",
    "is_bundle",
    "read_bundle",
    "write_bundle",
]
