"""Names in other tools' files as bay ids: valid ones stay, the others change, and it is said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from calibration.findings import Code, Finding, Severity
from calibration.importers.document import printable
from calibration.numbering import Numbering, number_bays
from telemetry.vocabulary import is_identifier

# Leaves room for a point and a number behind a name that occurs twice.
_LONGEST_CHANGED = 58


def name_from(value: object) -> str | None:
    """A bay's name from a value of a file: text, number, true or false; None: it says nothing."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return str(value).strip() or None
    except ValueError:  # a number with more digits than Python writes
        return None


def distinct_ids(
    names: Sequence[str | None], start: str
) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """Distinct valid ids, one for each name.

    A valid name stays as it is, whatever the others become: only its repetitions, and names that
    are no ids, are changed. Shapes without a name are numbered from `start`, passing over all
    names.

    Raises:
        CalibrationError: `start` is no pattern of ids.
    """
    used = {name for name in names if name is not None and is_identifier(name)}
    kept: set[str] = set()
    repeats: Counter[str] = Counter()
    ids: list[str | None] = []
    findings: list[Finding] = []
    for name in names:
        if name is None:
            ids.append(None)
            continue
        bay_id = name
        if name in kept or not is_identifier(name):
            bay_id = _free_id(as_identifier(name), used, repeats)
            findings.append(_renamed(name, bay_id, repeated=name in kept))
        kept.add(name)
        used.add(bay_id)
        ids.append(bay_id)
    if None not in ids:
        return tuple(str(bay_id) for bay_id in ids), tuple(findings)
    numbers = number_bays(Numbering(start=start), len(used) + len(names))
    free = (number for number in numbers if number not in used)
    return tuple(bay_id or next(free) for bay_id in ids), tuple(findings)


def _free_id(wanted: str, used: Collection[str], repeats: Counter[str]) -> str:
    if wanted not in used:
        return wanted
    head = wanted[:_LONGEST_CHANGED]
    while True:
        repeats[head] += 1
        bay_id = f"{head}.{repeats[head] + 1}"
        if bay_id not in used:
            return bay_id


def as_identifier(name: str) -> str:
    """A valid id, as like the name as can be."""
    if is_identifier(name):
        return name
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")[:_LONGEST_CHANGED] or "bay"


def _renamed(name: str, bay_id: str, *, repeated: bool) -> Finding:
    reason = (
        "it occurs more than once"
        if repeated
        else ("ids consist of A-Z a-z 0-9 _ . -, at most 64 characters")
    )
    message = printable(f"'{name}' became '{bay_id}': {reason}")
    return Finding(Severity.INFO, Code.RENAMED, bay_id, message, "rename it if you like")
