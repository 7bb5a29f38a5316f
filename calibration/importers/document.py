"""A file to import from: its bytes, what it does not say of itself, and how it is refused."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from calibration.importers.plain_yaml import parse_yaml
from calibration.parsing import decode_text, parse_json
from calibration.types import ControlPoint
from telemetry.errors import CalibrationError

_SHOWN_CHARACTERS = 60
_SHOWN_ITEMS = 8
# Of the parking tutorial that made the pickled list of corners known.
TUTORIAL_BOX_WH = (107, 48)


@dataclass(frozen=True, slots=True)
class Document:
    """A file to import from.

    Attributes:
        path: where it lies, for errors.
        content: its bytes.
        image_wh: width and height in pixels of the image it was drawn on; None: the file says it,
            or does not need it.
        item: which image or camera of several in the file.
        start: the first id, for bays that have no name in the file.
        control_points: of the calibration, for formats that keep places on Earth.
        categories: which labels of the file mean bays; empty: found out from their words.
        box_wh: width and height in pixels of each bay, for lists of top left corners.
    """

    path: Path
    content: bytes
    image_wh: tuple[int, int] | None = None
    item: str | None = None
    start: str = "B001"
    control_points: tuple[ControlPoint, ...] = ()
    categories: tuple[str, ...] = ()
    box_wh: tuple[int, int] = TUTORIAL_BOX_WH

    def json(self) -> Any:
        """The content as JSON.

        Raises:
            CalibrationError: it is invalid; names line and column.
        """
        return parse_json(self.content, str(self.path))

    def yaml(self) -> Any:
        """The content as YAML, every scalar as the text that stands there.

        Raises:
            CalibrationError: it is invalid; names line and column.
        """
        return parse_yaml(self.text(), str(self.path))

    def data(self) -> Any:
        """The content as JSON where it looks like JSON, else as YAML.

        Raises:
            CalibrationError: it is neither.
        """
        return self.json() if self.text().lstrip()[:1] in {"{", "["} else self.yaml()

    def text(self) -> str:
        """The content as text, without a byte order mark.

        Raises:
            CalibrationError: it is neither UTF-8 nor UTF-16.
        """
        return decode_text(self.content, str(self.path))

    def need_image_wh(self) -> tuple[int, int]:
        """The image's size, where the format keeps pixels and does not say of what image.

        Raises:
            CalibrationError: it was not given.
        """
        if self.image_wh is None:
            self.fail(
                "image size",
                "width and height, since this format stores pixels (--size 1280x720 or --image)",
                "none",
            )
        return self.image_wh

    def fail(self, place: str, expected: str, got: object) -> NoReturn:
        """Reject the file.

        Raises:
            CalibrationError: always.
        """
        # A few items only: an alias of YAML may stand for more text than there is memory.
        text = got if isinstance(got, str) else _REPR.repr(got)
        cut = text[:_SHOWN_CHARACTERS]
        shown = cut if cut == text else f"{cut}..."
        msg = printable(f"{self.path}: {place}: expected {expected}, but got {shown}")
        raise CalibrationError(msg)

    def choose(self, known: Sequence[str], what: str) -> str:
        """The requested item, or the only one; a file name matches its path.

        Raises:
            CalibrationError: it does not exist, or there are several and none was requested.
        """
        listed = ", ".join(known[:_SHOWN_ITEMS]) + (", ..." if len(known) > _SHOWN_ITEMS else "")
        if self.item is None and len(known) == 1:
            return known[0]
        if self.item is None:
            self.fail(what, f"a choice of one (--item) of {len(known)}: {listed or 'none'}", "none")
        if self.item in known:
            return self.item
        named = [name for name in known if PurePosixPath(name).name == self.item]
        if len(named) != 1:
            self.fail(what, f"one of {listed or 'none'}", self.item)
        return named[0]


_REPR = reprlib.Repr()
_REPR.maxlevel = 3


def printable(text: str) -> str:
    """Text that every terminal can print, on one line: lone surrogates and controls are escaped."""
    shown = text.encode("utf-8", "backslashreplace").decode()
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", shown)
