"""Lists in Python's pickle format, read without unpickling: no code of the file ever runs.

`pickletools` names the operations of a pickle without executing them. Those that build lists,
tuples, numbers and text are followed here; anything else is refused by its name.
"""

from __future__ import annotations

import pickletools  # nosec B403 - only takes the opcodes apart
from collections.abc import Callable
from typing import Any

from calibration.importers.document import Document

_MARK = object()
# Operations whose argument is the value itself.
_VALUES = frozenset(
    {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
     "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
     "BINUNICODE8"}
)  # fmt: skip
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def read_pickled_list(document: Document) -> Any:
    """What a pickle of lists, tuples, numbers and text holds; tuples come as lists.

    Raises:
        CalibrationError: it is damaged, or holds something else, which is named.
    """
    machine = _Machine(document)
    try:
        for code, value, position in pickletools.genops(document.content):
            machine.step(code.name, value, position)
        return machine.result()
    except (ValueError, IndexError, KeyError, UnicodeDecodeError, OverflowError) as exc:
        document.fail("the pickle", "a list of corners", f"a damaged one: {exc}")


class _Machine:
    """The stack and memory that the operations work on."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def step(self, name: str, value: Any, position: int | None) -> None:
        """Follow one operation.

        Raises:
            CalibrationError: it builds something that is not allowed.
        """
        if name in _VALUES:
            self._stack.append(value)
        elif name in _TUPLES:
            self._stack.append(self._pop(_TUPLES[name]))
        elif name in self._operations:
            self._operations[name](self, value)
        elif name not in _IGNORED:
            operands = [value] if value is not None else self._stack[-2:]
            texts = [item for item in operands if isinstance(item, str)]
            what = " ".join([name, *texts])  # STACK_GLOBAL finds its names on the stack
            self._document.fail(
                f"the pickle, byte {position}", "lists, tuples, numbers and text only", what
            )

    def result(self) -> Any:
        """The one thing that is left.

        Raises:
            IndexError: there is nothing.
        """
        return self._stack[-1]

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            msg = "stack underflow"
            raise ValueError(msg)
        taken = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return taken

    def _pop_to_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                msg = "missing mark"
                raise ValueError(msg)
        taken = self._stack[at + 1 :]
        del self._stack[at:]
        return taken

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, list):
            msg = "append to something other than a list"
            raise ValueError(msg)  # noqa: TRY004 - damage, like all the others here
        target.extend(items)

    def _remember(self, index: int) -> None:
        self._memory[index] = self._stack[-1]

    _operations: dict[str, Callable[[_Machine, Any], None]] = {  # noqa: RUF012 - a constant table
        "MARK": lambda self, _: self._stack.append(_MARK),
        "EMPTY_LIST": lambda self, _: self._stack.append([]),
        "EMPTY_TUPLE": lambda self, _: self._stack.append([]),
        "LIST": lambda self, _: self._stack.append(self._pop_to_mark()),
        "TUPLE": lambda self, _: self._stack.append(self._pop_to_mark()),
        "APPEND": lambda self, _: self._extend(self._pop(1)),
        "APPENDS": lambda self, _: self._extend(self._pop_to_mark()),
        "PUT": lambda self, index: self._remember(index),
        "BINPUT": lambda self, index: self._remember(index),
        "LONG_BINPUT": lambda self, index: self._remember(index),
        "MEMOIZE": lambda self, _: self._remember(len(self._memory)),
        "GET": lambda self, index: self._stack.append(self._memory[index]),
        "BINGET": lambda self, index: self._stack.append(self._memory[index]),
        "LONG_BINGET": lambda self, index: self._stack.append(self._memory[index]),
    }
