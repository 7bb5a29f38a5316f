"""The next revision of a calibration, without files: what is checked and stamped on every save."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, datetime

from calibration.canonical import seal
from calibration.check import check_calibration
from calibration.errors import InvalidCalibrationError
from calibration.findings import errors_of
from calibration.normalise import normalise_calibration
from calibration.parsing import parse_calibration
from calibration.types import Calibration, Mask


def next_revision(
    calibration: Calibration,
    present: Calibration | None,
    *,
    source: str,
    author: str,
    now_utc: datetime | None = None,
) -> Calibration:
    """The calibration as it is saved after `present`: tidied, checked, numbered, signed, sealed.

    Args:
        calibration: what is to be saved; its retired ids are taken as they are.
        present: the revision that it follows; None for the first.
        source: where it is saved, for errors.
        author: who saves it.
        now_utc: time of the new revision; the machine's wall time by default.

    Raises:
        InvalidCalibrationError: bays are wrong; carries the findings.
    """
    tidied, _ = normalise_calibration(calibration)
    errors = errors_of(check_calibration(tidied))
    if errors:
        raise InvalidCalibrationError(source, errors)
    stamped = tidied.model_copy(
        update={
            "revision": (present.revision if present is not None else 0) + 1,
            "author": author,
            "time": (now_utc or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0),
        }
    )
    # Through the text and back: what is returned is what a reader will get, checked by the types.
    return parse_calibration(format_calibration(seal(stamped)), source)


def with_retired(calibration: Calibration, present: Calibration | None) -> Calibration:
    """Retire the ids of bays that `present` has and `calibration` lacks."""
    retired = set(calibration.retired_ids)
    if present is not None:
        retired |= set(present.retired_ids) | (set(present.bay_ids) - set(calibration.bay_ids))
    return calibration.model_copy(update={"retired_ids": tuple(sorted(retired))})


def brought_back(wanted: Calibration, present: Calibration | None) -> Calibration:
    """An earlier revision as what follows `present`.

    Bays that it has and `present` lacks live again under their own ids; the ids of those that it
    lacks are retired.
    """
    known = {*wanted.retired_ids}
    if present is not None:
        known |= {*present.retired_ids, *present.bay_ids}
    retired = tuple(sorted(known - set(wanted.bay_ids)))
    return wanted.model_copy(update={"retired_ids": retired})


def lost_masks(before: Calibration, after: Calibration) -> tuple[str, ...]:
    """Names of the privacy masks of `before` that `after` lacks, or has with another outline."""
    kept = {mask.polygon for mask in after.masks}
    return tuple(mask.name for mask in before.masks if mask.polygon not in kept)


def new_masks(calibration: Calibration, present: Calibration | None) -> tuple[Mask, ...]:
    """Privacy masks that `present` has not, or with another outline."""
    hidden: Collection[object] = {mask.polygon for mask in present.masks} if present else ()
    return tuple(mask for mask in calibration.masks if mask.polygon not in hidden)


def format_calibration(calibration: Calibration) -> str:
    """The calibration as JSON for a file: one line for each bay, so that diffs can be read."""
    lines = []
    for key, value in calibration.model_dump(mode="json").items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            items = ",\n    ".join(json.dumps(item, ensure_ascii=False) for item in value)
            lines.append(f'  "{key}": [\n    {items}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(value, ensure_ascii=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
