"""From text to a calibration: every error names the file, the place, what was expected, what came.

Pydantic's and json's errors are turned into ours here and nowhere else.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pydantic import ValidationError

from calibration.canonical import checksum_of
from calibration.types import SCHEMA_VERSION, Calibration
from telemetry.errors import CalibrationError

_GOT_CHARACTERS = 60
_SHOWN = 5
_MOST_DIGITS = 4_000


# Longest first: the mark of UTF-32 begins with that of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(content: bytes, source: str) -> str:
    """Text of a file: UTF-8, or UTF-16 and UTF-32 as Windows tools write them.

    Without a byte order mark, UTF-16 is known by the NUL beside its first character, which is ASCII
    in every text format that is read here.

    Args:
        content: the file's bytes.
        source: what to call it in errors: the file's path.

    Raises:
        CalibrationError: it is no such text; names the offset.
    """
    marked = (codec for mark, codec in _BYTE_ORDER_MARKS if content.startswith(mark))
    codec = next(marked, None) or _codec_without_mark(content[:2])
    try:
        return content.decode(codec)
    except UnicodeDecodeError as exc:
        name = "UTF-8" if codec.startswith("utf-8") else codec.upper()
        msg = f"{source}: expected {name} text, but got byte 0x{exc.object[exc.start]:02x} at "
        msg += f"offset {exc.start}"
        raise CalibrationError(msg) from exc


def _codec_without_mark(start: bytes) -> str:
    if len(start) == 2 and start.count(0) == 1:  # noqa: PLR2004 - one character of UTF-16
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8"


def parse_json(text: str | bytes, source: str) -> Any:
    """Parse JSON strictly: UTF-8 (or UTF-16), no key twice, no NaN.

    Args:
        text: the document.
        source: what to call it in errors: the file's path.

    Raises:
        CalibrationError: it is not such JSON; names line and column.
    """
    try:
        decoded = text if isinstance(text, str) else decode_text(text, source)
        return json.loads(
            decoded,
            object_pairs_hook=_no_key_twice,
            parse_constant=_no_constant,
            parse_int=_whole_number,
        )
    except json.JSONDecodeError as exc:
        got = exc.doc[exc.pos : exc.pos + 20].splitlines()
        shown = repr(got[0]) if got and got[0] else "the end of the line or file"
        msg = (
            f"{source}: line {exc.lineno}, column {exc.colno}: expected JSON ({exc.msg}), but got "
            f"{shown}"
        )
        raise CalibrationError(msg) from exc
    except RecursionError as exc:
        msg = f"{source}: expected JSON, but got one nested too deeply to read"
        raise CalibrationError(msg) from exc
    except ValueError as exc:
        msg = f"{source}: {exc}"
        raise CalibrationError(msg) from exc


def _no_key_twice(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            msg = f"expected each key once in an object, but got '{key}' twice"
            raise ValueError(msg)
        found[key] = value
    return found


def _whole_number(digits: str) -> int:
    # Python's own limit is somewhat higher, with its own message; larger values are reported later.
    if len(digits) > _MOST_DIGITS:
        msg = f"expected a number of at most {_MOST_DIGITS} digits, but got {len(digits)}"
        raise ValueError(msg)
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    msg = f"expected a number, but got {name}"
    raise ValueError(msg)


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from text such as `1280x720`.

    Raises:
        CalibrationError: it is invalid.
    """
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if found is None:
        msg = f"size: expected width x height such as 1280x720, but got '{text}'"
        raise CalibrationError(msg)
    return int(found[1]), int(found[2])


def parse_calibration(text: str | bytes, source: str, *, verify: bool = True) -> Calibration:
    """Read a calibration from its JSON text.

    Args:
        text: the file's content.
        source: what to call it in errors: the file's path.
        verify: whether the checksum must match, as in every file that lotsight wrote. A file
            without one passes: it was written by hand and was never saved.

    Raises:
        CalibrationError: with the place and the bay of each fault.
    """
    calibration = calibration_from_data(parse_json(text, source), source)
    if verify and calibration.checksum is not None:
        actual = checksum_of(calibration)
        if actual != calibration.checksum:
            msg = (
                f"{source}: checksum: expected {actual}, but got {calibration.checksum}: the file "
                "was edited outside lotsight. If the change is intended, accept it with "
                "`lotsight calibration seal`; otherwise revert it with `lotsight calibration "
                "rollback`."
            )
            raise CalibrationError(msg)
    return calibration


def calibration_from_data(data: Any, source: str) -> Calibration:
    """Build a calibration from parsed JSON.

    Raises:
        CalibrationError: a field is missing, unknown or of the wrong form.
    """
    if not isinstance(data, Mapping):
        msg = f"{source}: expected a calibration (a JSON object), but got {type(data).__name__}"
        raise CalibrationError(msg)
    version = data.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        msg = (
            f"{source}: schema_version: expected at most {SCHEMA_VERSION}, but got {version}: it "
            "was written by a newer lotsight"
        )
        raise CalibrationError(msg)
    try:
        return Calibration.model_validate(data)
    except ValidationError as exc:
        raise CalibrationError(explain(exc, data, source)) from exc


def explain(error: ValidationError, data: Any, source: str) -> str:
    """Pydantic's error as one text in the words of the file."""
    faults = error.errors(include_url=False)
    lines = [
        f"{place_of(fault['loc'], data)}: expected {_expected(fault['msg'], fault['type'])}, "
        f"but got {_shown(fault)}"
        for fault in faults[:_SHOWN]
    ]
    if len(faults) > _SHOWN:
        lines.append(f"and {len(faults) - _SHOWN} more")
    return f"{source}: " + "; ".join(lines)


def place_of(loc: tuple[int | str, ...], data: Any) -> str:
    """`("bays", 3, "polygon", 1, 0)` as `bay A04 (bays[3]): polygon[1][0]`."""
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    path = path.lstrip(".") or "the file"
    match loc:
        case ("bays", int(index), *_):
            bay = data["bays"][index]
            bay_id = bay.get("id") if isinstance(bay, Mapping) else None
            head = f"bays[{index}]"
            rest = path.removeprefix(head).lstrip(".")
            name = f"bay {bay_id} ({head})" if isinstance(bay_id, str) else head
            return f"{name}: {rest}" if rest else name
    return path


def _expected(message: str, kind: str) -> str:
    """Pydantic's sentence, shortened to what was expected."""
    if kind == "missing":
        return "this field"
    if kind == "extra_forbidden":
        return "no field of this name"
    text = message.removeprefix("Value error, ").removeprefix("Input should be ")
    text = text.removeprefix("expected ").partition(", but got ")[0]
    return text[:1].lower() + text[1:]


def _shown(fault: Any) -> str:
    if fault["type"] == "missing":
        return "none"
    text = repr(fault["input"])
    return text if len(text) <= _GOT_CHARACTERS else f"{text[:_GOT_CHARACTERS]}..."
