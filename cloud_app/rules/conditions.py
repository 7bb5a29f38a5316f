"""Conditions in CEL, checked against the variables of a trigger before anything runs them.

cel-expr-python is Google's own CEL (the C++ one): it knows the type of every expression when it is
saved, gives the line and column of what is wrong, and stops an expression after 10,000 steps.
Measured on one core of the development machine: 160,000 to 450,000 evaluations a second;
common-expression-language evaluates more, 1 million a second, but tells of a misspelt name or a
wrong type only when an event comes, and never of `lot.free == 'x'`; cel-python manages 1,000.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from cloud_app.rules.errors import ConditionError, ConditionFailed, Fault
from cloud_app.rules.limits import Limits, bound
from cloud_app.rules.variables import VARIABLES, VariableType, names
from cloud_app.rules.words import Trigger

LENGTH_MAX = 2000
"""Of a condition, in characters; also what keeps a list in it short."""

_TYPES = {
    VariableType.STRING: cel.Type.STRING,
    VariableType.INT: cel.Type.INT,
    VariableType.DOUBLE: cel.Type.DOUBLE,
    VariableType.BOOL: cel.Type.BOOL,
    VariableType.MAP: cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
}
_FAULT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"found no matching overload for '_?([^'_]+)_?' applied to '(.*)'")
_TAIL = re.compile(r" ?\[[A-Z_]+\]$")


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was checked.

    Attributes:
        text: as it was written, with the values of limits.
        trigger: whose variables it names.
        uses_lot: whether counts of a lot matter to it.
        needs: names of yes or no that must be so, or not so, for it to be met.
    """

    text: str
    trigger: Trigger
    uses_lot: bool
    needs: frozenset[tuple[str, bool]]
    _program: Any = field(repr=False)

    def holds(self, given: Any) -> bool:
        """Whether it is met.

        Args:
            given: of `activation`.

        Raises:
            ConditionFailed: it came to no answer: a key that the data lacks, a division by zero, a
                type that only showed now, too many steps.
        """
        value = evaluated(self._program, given)
        if value is True or value is False:
            return bool(value)
        raise ConditionFailed(_TAIL.sub("", str(value)))


_LIST = cel.Type.List(cel.Type.STRING)


@cache
def _environment(trigger: Trigger, others: tuple[tuple[str, Any], ...] = ()) -> Any:
    """Where expressions over the variables of a trigger are compiled.

    Args:
        trigger: whose variables.
        others: further ones, with their types.
    """
    ours = {each.name: _TYPES[each.type] for each in VARIABLES[trigger]}
    return cel.NewEnv(variables={**ours, **{name: _OTHERS[kind] for name, kind in others}})


_OTHERS = {"list": _LIST, "double": cel.Type.DOUBLE, "string": cel.Type.STRING, "int": cel.Type.INT}


def _named(limits: Limits) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"limit.{name}", "list" if isinstance(value, tuple) else "double")
        for name, value in limits
    )


def activation(trigger: Trigger, values: Mapping[str, Any]) -> Any:
    """Values for any number of conditions of a trigger."""
    return _environment(trigger).Activation(values)


@lru_cache(maxsize=1024)
def program_of(text: str, trigger: Trigger) -> Any:
    """Compile an expression over the variables of a trigger.

    Raises:
        RuntimeError, ValueError: it is none; the message has the place.
    """
    return _environment(trigger).compile(text)


def evaluated(program: Any, given: Any) -> object:
    """What a program comes to.

    Raises:
        ConditionFailed: it stopped on the way.
    """
    try:
        return program.eval(given).value()
    except (RuntimeError, ValueError, TypeError) as exc:
        raise ConditionFailed(_TAIL.sub("", str(exc))) from exc


def answer(program: Any, given: Any) -> object:
    """What a program of any type comes to.

    Raises:
        ConditionFailed: it came to no answer.
    """
    try:
        value = program.eval(given)
    except (RuntimeError, ValueError, TypeError) as exc:
        raise ConditionFailed(_TAIL.sub("", str(exc))) from exc
    if value.type().name() == "ERROR":
        raise ConditionFailed(_TAIL.sub("", str(value.value())))
    found: object = value.value()
    return found


@lru_cache(maxsize=4096)
def condition(text: str, trigger: Trigger, limits: Limits = ()) -> Condition:
    """Check a condition.

    Args:
        text: CEL that comes to true or false.
        trigger: what it looks at, hence which variables it has.
        limits: that it may name.

    Raises:
        ConditionError: it is none, with the place of each fault.
    """
    if not text.strip():
        raise ConditionError([Fault(1, 1, "expected a condition, such as: true")])
    program = checked_program(text, trigger, _named(limits))
    if program.return_type() != cel.Type.BOOL:
        got = program.return_type().name().lower()
        told = f"expected a condition that is true or false, but this is of type {got}"
        raise ConditionError([Fault(1, 1, told)])
    if limits:
        text = bound(text, limits)
        program = checked_program(text, trigger)
    uses_lot = trigger is Trigger.EVENT and re.search(r"\blot\s*\.", _code(text)) is not None
    return Condition(text, trigger, uses_lot, _needs(text, trigger), program)


def checked_program(text: str, trigger: Trigger, others: tuple[tuple[str, str], ...] = ()) -> Any:
    """Compile an expression that somebody wrote.

    Args:
        text: CEL.
        trigger: whose variables it has.
        others: further names, each with its type: list, double, string, int.

    Raises:
        ConditionError: it is none, with the place of each fault.
    """
    if len(text) > LENGTH_MAX:
        told = f"expected at most {LENGTH_MAX} characters, but got {len(text)}"
        raise ConditionError([Fault(1, LENGTH_MAX + 1, told)])
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        told = f"expected text, but got half of a surrogate pair: {exc.object[exc.start]!r}"
        raise ConditionError([Fault(1, exc.start + 1, told)]) from exc
    try:
        return _environment(trigger, others).compile(text)
    except (RuntimeError, ValueError) as exc:
        known = (*names(trigger), *(name for name, _ in others))
        raise ConditionError(_faults(str(exc), trigger, known)) from exc


def text_activation(
    trigger: Trigger, others: tuple[tuple[str, str], ...], values: Mapping[str, Any]
) -> Any:
    """Values for an expression with further names."""
    return _environment(trigger, others).Activation(values)


def _needs(text: str, trigger: Trigger) -> frozenset[tuple[str, bool]]:
    """Names of yes or no that a condition wants: parts of an AND that are nothing but a name."""
    flags = {each.name for each in VARIABLES[trigger] if each.type is VariableType.BOOL}
    parts = (part.strip() for part in _conjuncts(_code(text)))
    wanted = ((part.removeprefix("!").strip(), not part.startswith("!")) for part in parts)
    return frozenset((name, is_so) for name, is_so in wanted if name in flags)


def _conjuncts(code: str) -> Iterator[str]:
    """The parts of an AND outside all brackets; the whole where there is an OR or a choice."""
    depth, start, found = 0, 0, list[str]()
    for at, sign in enumerate(code):
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif not depth and (sign == "?" or code[at : at + 2] == "||"):
            return
        elif not depth and code[at : at + 2] == "&&":
            found.append(code[start:at])
            start = at + 2
    yield from (*found, code[start:])


def _code(text: str) -> str:
    """The text without strings and comments, and without `event.lot`."""
    bare = re.sub(r"//[^\n]*|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", " ", text)
    return re.sub(r"\bevent\s*\.\s*\w+", " ", bare)


def _faults(told: str, trigger: Trigger, known: Sequence[str]) -> list[Fault]:
    found = [
        Fault(int(line), int(column), _message(_TAIL.sub("", message), trigger, known))
        for line, column, message in _FAULT.findall(told)
    ]
    return found or [Fault(1, 1, _TAIL.sub("", told.splitlines()[0]))]


def _message(told: str, trigger: Trigger, known: Sequence[str]) -> str:
    """What the library says, in words for people who write rules."""
    if found := _UNKNOWN.search(told):
        name = found[1]
        near = difflib.get_close_matches(name, known, 1, 0.6)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"a rule about {_about(trigger)} has no name {name!r}{hint}"
    if found := _OVERLOAD.search(told):
        hint = ""
        if found[2] in {"(double, int)", "(int, double)"}:
            hint = ": write 1.0 rather than 1, or double(x)"
        return f"{found[1]} does not go with {found[2]}{hint}"
    if "token recognition error at: '= '" in told or "token recognition error at: '='" in told:
        return "expected ==, but got ="
    return told.removeprefix("Syntax error: ")


def _about(trigger: Trigger) -> str:
    return {
        Trigger.EDGE: "edge boxes",
        Trigger.COUNT: "counted lots",
        Trigger.LOSS: "losses",
    }.get(trigger, f"{trigger.value}s")
