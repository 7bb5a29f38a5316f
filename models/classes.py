"""What the classes of a network mean for bays: given by the user, or evident from their names."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path


class ClassRole(StrEnum):
    """What a box of a class is."""

    VEHICLE = "vehicle"
    OCCUPIED_BAY = "occupied_bay"
    FREE_BAY = "free_bay"
    IGNORED = "ignored"


WORDS = Path(__file__).parent / "class_words.toml"


def resolve_roles(
    classes: Mapping[int, str], hints: Mapping[str, ClassRole]
) -> dict[int, ClassRole]:
    """What each class is.

    Args:
        classes: class index to name.
        hints: class name or index to role, as the user says; what it does not name is ignored.
            Empty: the names must say it.

    Returns:
        A role for every class index.

    Raises:
        ValueError: the names do not say it, a class is not there, or the roles judge no bay.
    """
    roles = _hinted_roles(classes, hints) if hints else propose_roles(classes)
    kinds = set(roles.values())
    bay_states = kinds & {ClassRole.OCCUPIED_BAY, ClassRole.FREE_BAY}
    if len(bay_states) == 1:
        msg = (
            "a network of bay states needs classes for occupied_bay and for free_bay, but got only "
            f"{min(bay_states)}: {describe_roles(classes, roles)}"
        )
        raise ValueError(msg)
    if ClassRole.VEHICLE not in kinds and not bay_states:
        msg = f"expected a class that is a vehicle or a bay, but got {_listed(classes)}{_REMEDY}"
        raise ValueError(msg)
    return roles


_REMEDY = (
    "; map them with --class NAME=vehicle (or occupied_bay, free_bay, ignored), or with `roles` "
    "in a manifest"
)


def propose_roles(classes: Mapping[int, str]) -> dict[int, ClassRole]:
    """What the names of the classes say.

    Raises:
        ValueError: they can be meant in more than one way.
    """
    roles = {index: _role_of_name(name) for index, name in classes.items()}
    kinds = set(roles.values())
    if ClassRole.FREE_BAY in kinds and ClassRole.OCCUPIED_BAY not in kinds:
        msg = (
            f"expected unambiguous class names, but {_listed(classes)} may be bays or vehicles: "
            f"is the other class a vehicle wherever it is, or a bay with a vehicle in it?{_REMEDY}"
        )
        raise ValueError(msg)
    if ClassRole.OCCUPIED_BAY in kinds and ClassRole.FREE_BAY not in kinds:
        msg = (
            f"expected class names for occupied and for free bays, but got {_listed(classes)}"
            f"{_REMEDY}"
        )
        raise ValueError(msg)
    return roles


def describe_roles(classes: Mapping[int, str], roles: Mapping[int, ClassRole]) -> str:
    """`car, bus = vehicle; 76 more ignored`, for people."""
    parts = []
    for role in (ClassRole.OCCUPIED_BAY, ClassRole.FREE_BAY, ClassRole.VEHICLE):
        names = [classes[index] for index in sorted(roles) if roles[index] is role]
        if names:
            parts.append(f"{', '.join(names)} = {role.replace('_', ' ')}")
    ignored = [classes[index] for index in sorted(roles) if roles[index] is ClassRole.IGNORED]
    if ignored:
        few = len(ignored) <= _FEW
        parts.append(f"ignored: {', '.join(ignored)}" if few else f"{len(ignored)} ignored")
    return "; ".join(parts)


_FEW = 4


def _hinted_roles(
    classes: Mapping[int, str], hints: Mapping[str, ClassRole]
) -> dict[int, ClassRole]:
    roles = dict.fromkeys(classes, ClassRole.IGNORED)
    for key, role in hints.items():
        meant = [index for index, name in classes.items() if name == key]
        if not meant and key.isdecimal() and int(key) in classes:
            meant = [int(key)]
        if not meant:
            meant = [index for index, name in classes.items() if _plain(name) == _plain(key)]
        if not meant:
            msg = f"expected a class of the model, one of {_listed(classes)}, but got '{key}'"
            raise ValueError(msg)
        roles.update(dict.fromkeys(meant, role))
    return roles


def _listed(classes: Mapping[int, str]) -> str:
    shown = [f"{index} '{classes[index]}'" for index in sorted(classes)][:_SHOWN]
    more = len(classes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


_SHOWN = 12


def _role_of_name(name: str) -> ClassRole:
    known = _words()
    words = _plain(name).split()
    sized = len(words) > 1 and words[0] in known["size"]
    if len(words) == 1 + sized and words[-1] in known["vehicle"]:
        return ClassRole.VEHICLE
    state = [word for word in words if word not in known["place"]]
    negated = len(state) > 1 and state[0] in known["not"]
    if len(state) == 1 + negated and state[-1] in known["occupied"] | known["free"]:
        occupied = (state[-1] in known["occupied"]) != negated
        return ClassRole.OCCUPIED_BAY if occupied else ClassRole.FREE_BAY
    return ClassRole.IGNORED


@cache
def _words() -> dict[str, frozenset[str]]:
    table = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    return {key: frozenset(_plain(words).split()) for key, words in table.items()}


def _plain(name: str) -> str:
    """Lower case, without accents, words apart."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    parts = unicodedata.normalize("NFKD", apart.casefold().translate(_NO_ACCENT))
    bare = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", bare)).split())


_NO_ACCENT = str.maketrans("øłđ", "old")
"""Letters with a stroke, which Unicode does not take for an accent."""
