"""Which image of a file: the requested one, or the only one with something drawn on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from calibration.importers.document import Document

Item = TypeVar("Item")


def choose_item(
    document: Document, items: Sequence[tuple[str, Item]], is_used: Callable[[Item], bool]
) -> Item:
    """One image of several, by its name.

    Args:
        document: the file; its `item` is the requested name.
        items: names and images; of one name that occurs again the later ones get a number.
        is_used: whether something is drawn on an image.

    Raises:
        CalibrationError: it does not exist, or there are several and none was requested.
    """
    seen: Counter[str] = Counter()
    named: dict[str, Item] = {}
    for name, item in items:
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} ({seen[name]})"] = item
    used = [name for name, item in named.items() if is_used(item)]
    if document.item is None and len(used) == 1:
        return named[used[0]]
    return named[
        document.choose(sorted(used if document.item is None and used else named), "picture")
    ]
