"""XML of annotation tools, parsed without what XML attacks are made of."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from calibration.importers.common import is_number
from calibration.importers.document import Document, printable

_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([\x21-\x7e]{1,40}?)["']""")
_UNICODE = frozenset(
    {"utf-8", "utf8", "utf-16", "utf-16le", "utf-16be", "utf-32", "us-ascii", "ascii"}
)
_EIGHT_BITS = frozenset(
    {"iso-8859-1", "iso-8859-2", "iso-8859-15", "latin1", "windows-1250", "windows-1251",
     "windows-1252"}
)  # fmt: skip


def parse_xml(document: Document) -> Xml.Element:
    """The root element.

    Entities are what XML attacks are made of (and no annotation tool writes): without a document
    type there can be none, so the standard parser is safe.

    Raises:
        CalibrationError: it is not well-formed, or has a document type; names line and column.
    """
    text = _decoded(document)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        document.fail("the file", "XML without a document type", "<!DOCTYPE or <!ENTITY")
    try:
        # As text, so that the parser reads what was looked at: the encoding that the file declares
        # counts no more, and cannot hide a document type.
        return Xml.fromstring(text.lstrip("\ufeff"))  # noqa: S314 - see above
    except Xml.ParseError as exc:
        line, column = exc.position
        document.fail(f"line {line}, column {column + 1}", "well-formed XML", str(exc))
    except (ValueError, RecursionError) as exc:  # lone surrogates, for one
        document.fail("the file", "well-formed XML", str(exc))


def _decoded(document: Document) -> str:
    """The text, in the encoding that it declares where that is one of the old Western ones."""
    declared = _DECLARED.match(document.content)
    codec = declared[1].decode("ascii").lower() if declared else "utf-8"
    if codec in _EIGHT_BITS:
        return document.content.decode(codec, "replace")
    if codec not in _UNICODE:
        document.fail("the file", "XML in UTF-8 or UTF-16", printable(codec))
    return document.text()


def number_of(document: Document, place: str, element: Xml.Element, key: str) -> float:
    """A number from an attribute.

    Raises:
        CalibrationError: there is none.
    """
    text = element.get(key)
    return parse_number(document, f"{place}, {key}", text)


def parse_number(document: Document, place: str, text: str | None) -> float:
    """A finite number from a text.

    Raises:
        CalibrationError: it is invalid.
    """
    try:
        number = float(text or "")
    except ValueError:
        number = float("nan")
    if not is_number(number):
        document.fail(place, "a number", "nothing" if text is None else text)
    return number
