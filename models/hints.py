"""What a user says of a model where its file does not: classes, what they are, how boxes lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from models.classes import ClassRole
from telemetry.errors import ModelError
from vision.box_format import FormatHints
from vision.types import BoxForm, BoxLayout, Coordinates

_Word = TypeVar("_Word", bound=StrEnum)
_KINDS: tuple[type[StrEnum], ...] = (BoxLayout, BoxForm, Coordinates)


@dataclass(frozen=True, slots=True)
class ModelHints:
    """What is said of a model; all of it may be left to the file.

    Attributes:
        boxes: how boxes are laid out.
        names: names of the classes, in their order.
        roles: class name or index to what its boxes are.
    """

    boxes: FormatHints = field(default_factory=FormatHints)
    names: tuple[str, ...] = ()
    roles: dict[str, ClassRole] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return self != ModelHints()


def parse_hints(
    layout: str | None = None, names: str | None = None, roles: Sequence[str] = ()
) -> ModelHints:
    """Read what options of a command or settings say.

    Args:
        layout: words of `BoxLayout`, `BoxForm` and `Coordinates`, one of each at most, with commas
            between them: `yolov5,fractions`.
        names: names of the classes in their order, with commas between them.
        roles: `NAME=ROLE` or `INDEX=ROLE` each.

    Raises:
        ModelError: a word is not known, or contradicts another.
    """
    classes = tuple(name.strip() for name in names.split(",")) if names else ()
    if names and not all(classes):
        msg = f"names: expected comma-separated names, but got '{names}'"
        raise ModelError(msg)
    return ModelHints(_layout(layout or ""), classes, dict(_role(text) for text in roles))


def _layout(text: str) -> FormatHints:
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    known = {word.value: word for kind in _KINDS for word in kind}
    for word in words:
        if word not in known:
            msg = f"layout: expected words among {', '.join(known)}, but got '{word}'"
            raise ModelError(msg)
    chosen = [known[word] for word in words]
    if len({type(word) for word in chosen}) != len(chosen):
        msg = f"layout: expected one word of each kind, but got '{text}'"
        raise ModelError(msg)
    return FormatHints(_of(chosen, BoxLayout), _of(chosen, BoxForm), _of(chosen, Coordinates))


def _of(words: Sequence[StrEnum], kind: type[_Word]) -> _Word | None:
    return next((word for word in words if isinstance(word, kind)), None)


def _role(text: str) -> tuple[str, ClassRole]:
    name, equals, role = text.rpartition("=")
    spelled = role.strip().lower().replace("-", "_").replace(" ", "_")
    if not equals or not name.strip() or spelled not in set(ClassRole):
        msg = f"class: expected NAME=ROLE with a role of {', '.join(ClassRole)}, but got '{text}'"
        raise ModelError(msg)
    return name.strip(), ClassRole(spelled)
