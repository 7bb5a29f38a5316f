"""Errors of rules.

CloudError
├── RuleError           a rule, or an act on one, is not as it must be
│   └── ConditionError  its condition is no CEL, or names what there is not; it says where
└── ConditionFailed     a condition raised while it was evaluated: the rule is quarantined
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cloud_app.errors import CloudError


class RuleError(CloudError):
    """A rule, or an act on one, is not as it must be."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a condition.

    Attributes:
        line: from 1.
        column: from 1.
        message: for people.
    """

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """One line."""
        return f"line {self.line}, column {self.column}: {self.message}"


class ConditionError(RuleError):
    """A condition that cannot be used.

    Attributes:
        faults: at least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


class ConditionFailed(CloudError):  # noqa: N818 - what it says
    """A condition raised while it was evaluated."""
