"""Labelled lots: readers, evaluation, checks. Of a source checkout only; never in the wheel."""

from datasets.errors import DatasetError
from datasets.frames import LotFrame, Origin, Vehicle
from datasets.lots import (
    SequenceFrame,
    data_root,
    list_sets,
    parse_set,
    read_dataset,
    read_lot,
    read_sequence,
)
from datasets.manifest import About, Manifest, read_manifest
from datasets.native import Placing, write_dataset

__all__ = [
    "About",
    "DatasetError",
    "LotFrame",
    "Manifest",
    "Origin",
    "Placing",
    "SequenceFrame",
    "Vehicle",
    "data_root",
    "list_sets",
    "parse_set",
    "read_dataset",
    "read_lot",
    "read_manifest",
    "read_sequence",
    "write_dataset",
]
