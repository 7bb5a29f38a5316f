"""Bay ids by pattern, as they are painted on the ground: A01, A02, ..., without 13."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import count as count_from
from itertools import islice

from pydantic import BaseModel, ConfigDict, Field

from telemetry.errors import CalibrationError
from telemetry.vocabulary import ID_PATTERN, is_identifier

# The last run of digits counts; what stands before and behind it stays.
_PATTERN = re.compile(r"^(?P<head>.*?)(?P<digits>\d+)(?P<tail>\D*)$")
_LONGEST_SKIP = 1000


class Numbering(BaseModel):
    """How ids follow each other along a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: str = Field(
        "A01", title="First id", description="Its trailing digits count up, at the same width."
    )
    step: int = Field(
        1, ge=1, le=100, title="Step", description="2 if odd and even numbers face each other."
    )
    skip: frozenset[int] = Field(
        frozenset(), title="Skip", description="Numbers to skip, as 13 often is."
    )
    reverse: bool = Field(
        False, title="Reverse", description="Count from the far end of the row to the near one."
    )


def number_bays(numbering: Numbering, count: int, taken: Collection[str] = ()) -> tuple[str, ...]:
    """Ids for `count` bays, in the order of the bays along the row.

    Args:
        numbering: the pattern.
        count: how many bays.
        taken: ids in use or retired; meeting one is an error, since numbers are painted on the
            ground and passing over one silently would shift all that follow.

    Raises:
        CalibrationError: the pattern has no digits, makes no valid id, or meets a taken one.
    """
    ids = tuple(islice(_ids(numbering), count))
    for bay_id in ids:
        if not is_identifier(bay_id):
            msg = f"start: expected a pattern of ids like {ID_PATTERN}, but got '{bay_id}'"
            raise CalibrationError(msg)
    used = [bay_id for bay_id in ids if bay_id in taken]
    if used:
        msg = (
            f"expected ids that were never used, but got {', '.join(used[:5])}; "
            f"start at another number, for instance {next_id(taken, numbering.start)}"
        )
        raise CalibrationError(msg)
    return ids[::-1] if numbering.reverse else ids


def _ids(numbering: Numbering) -> Iterator[str]:
    found = _PATTERN.match(numbering.start)
    if found is None:
        msg = f"start: expected an id with a number in it, such as A01, but got '{numbering.start}'"
        raise CalibrationError(msg)
    head, digits, tail = found["head"], found["digits"], found["tail"]
    for number in count_from(int(digits), numbering.step):
        if number not in numbering.skip:
            yield f"{head}{number:0{len(digits)}d}{tail}"


def next_id(taken: Collection[str], like: str = "A01") -> str:
    """The first id after all the taken ones of the same pattern as `like`.

    `next_id({"A01", "A07"}, "A01")` is `"A08"`; with none taken it is `like` itself.
    """
    found = _PATTERN.match(like)
    if found is None:
        return like
    numbers = [
        int(other["digits"])
        for other in map(_PATTERN.match, taken)
        if other is not None and (other["head"], other["tail"]) == (found["head"], found["tail"])
    ]
    number = max(numbers) + 1 if numbers else int(found["digits"])
    return f"{found['head']}{number:0{len(found['digits'])}d}{found['tail']}"


def parse_skip(text: str) -> frozenset[int]:
    """Numbers from text such as `4,13,20-29`.

    Raises:
        CalibrationError: it is no such list.
    """
    numbers: set[int] = set()
    for part in filter(None, (item.strip() for item in text.split(","))):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if found is None:
            msg = f"skip: expected numbers and ranges such as 4,13,20-29, but got '{part}'"
            raise CalibrationError(msg)
        first = int(found[1])
        last = int(found[2] or first)
        if not first <= last <= first + _LONGEST_SKIP:
            msg = f"skip: expected a range of at most {_LONGEST_SKIP} numbers, but got '{part}'"
            raise CalibrationError(msg)
        numbers.update(range(first, last + 1))
    return frozenset(numbers)
