"""Labelled lots: readers, evaluation, checks. Of a source checkout only; never in the wheel."""

from datasets.errors import DatasetError
from datasets.lots import (
    LotFrame,
    SequenceFrame,
    data_root,
    list_sets,
    parse_set,
    read_lot,
    read_sequence,
)

__all__ = [
    "DatasetError",
    "LotFrame",
    "SequenceFrame",
    "data_root",
    "list_sets",
    "parse_set",
    "read_lot",
    "read_sequence",
]
