"""Models: manifests, the registry, and the network that comes with lotsight.

`models.training` makes networks and decides which replaces which. It needs `datasets` and the extra
`train`, comes with a source checkout only, and nothing that runs on a box imports it.
"""

from models.manifest import Manifest, load_manifest, sha256_of, verify_file
from models.registry import (
    DEFAULT_MODEL,
    ModelEntry,
    choose_model,
    default_model,
    explain_model,
    find_model,
    list_models,
    open_detector,
)
from models.stock import manifest_of_export
from models.told import Told, parse_told

__all__ = [
    "DEFAULT_MODEL",
    "Manifest",
    "ModelEntry",
    "Told",
    "choose_model",
    "default_model",
    "explain_model",
    "find_model",
    "list_models",
    "load_manifest",
    "manifest_of_export",
    "open_detector",
    "parse_told",
    "sha256_of",
    "verify_file",
]
