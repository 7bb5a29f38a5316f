"""Models: manifests, the registry, and the network that comes with lotsight.

`models.training` makes networks and decides which replaces which. It needs `datasets` and the extra
`train`, comes with a source checkout only, and nothing that runs on a box imports it.
"""

from models.hints import ModelHints, parse_hints
from models.manifest import Manifest, load_manifest, sha256_of, verify_file
from models.own_model import manifest_of_export
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

__all__ = [
    "DEFAULT_MODEL",
    "Manifest",
    "ModelEntry",
    "ModelHints",
    "choose_model",
    "default_model",
    "explain_model",
    "find_model",
    "list_models",
    "load_manifest",
    "manifest_of_export",
    "open_detector",
    "parse_hints",
    "sha256_of",
    "verify_file",
]
