"""XML of annotation tools, parsed without what XML attacks are made of."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from calibration.importers.common import Document


def parse_xml(document: Document) -> Xml.Element:
    """The root element.

    Entities are what XML attacks are made of (and no annotation tool writes): without a document
    type there can be none, so the standard parser is safe.

    Raises:
        CalibrationError: it is not well-formed, or has a document type; names line and column.
    """
    plain = document.content.replace(b"\0", b"")  # UTF-16 is XML too
    if b"<!DOCTYPE" in plain or b"<!ENTITY" in plain:
        document.fail("the file", "XML without a document type", "<!DOCTYPE or <!ENTITY")
    try:
        return Xml.fromstring(document.content)  # noqa: S314 - see above
    except Xml.ParseError as exc:
        line, column = exc.position
        document.fail(f"line {line}, column {column + 1}", "well-formed XML", str(exc))


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
        CalibrationError: it is none.
    """
    try:
        number = float(text or "")
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        document.fail(place, "a number", "nothing" if text is None else text)
    return number
