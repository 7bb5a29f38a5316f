"""Schemathesis over an application: each operation of its OpenAPI document, on a fixed budget."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

Case = schemathesis.Case[Any]

# A valid request may still be refused: an end before its start is no matter of one parameter.
LEFT_OUT = ("positive_data_acceptance",)


def _checks(only: Collection[str]) -> list[Any]:
    """The named checks of schemathesis; if there are none, all that hold here."""
    found = [each for each in CHECKS.get_all() if each.__name__ not in LEFT_OUT]
    return [each for each in found if not only or each.__name__ in only]


def fuzz(
    document: dict[str, Any],
    url: str,
    known: Mapping[str, str],
    *,
    examples: int,
    headers: Mapping[str, str] | None = None,
    streams: Collection[str] = (),
    only: Collection[str] = (),
) -> Counter[int]:
    """Send wild and valid requests to every operation; count the answers by status.

    Args:
        document: OpenAPI.
        url: where the application is served.
        known: values of path parameters that exist; a third of the requests uses them.
        examples: requests for each operation, always the same ones.
        headers: of every request.
        streams: paths that answer without an end, left out.
        only: names of checks; empty: all of them.

    Raises:
        Exception: schemathesis' failures, with the request that shows them.
    """
    schema = schemathesis.openapi.from_dict(_without_security(document))
    counts: Counter[int] = Counter()
    chosen = _checks(only)

    def existing(case: Case) -> Case:
        for name in set(case.path_parameters) & set(known):
            case.path_parameters[name] = known[name]
        return case

    with requests.Session() as session:
        for result in schema.get_all_operations():
            if not isinstance(result, Ok):
                raise result.err()
            operation = result.ok()
            if operation.path in streams:
                continue

            @hypothesis.settings(
                derandomize=True, max_examples=examples, deadline=None, database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
                phases=[hypothesis.Phase.generate],
            )  # fmt: skip
            @hypothesis.given(
                case=st.one_of(
                    operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
                    operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
                    operation.as_strategy(generation_mode=GenerationMode.POSITIVE).map(existing),
                )
            )
            def send(case: Case) -> None:
                answer = case.call_and_validate(
                    base_url=url, session=session, headers=dict(headers or {}), checks=chosen,
                    timeout=20,
                )  # fmt: skip
                counts[answer.status_code] += 1

            send()
    return counts


def _without_security(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it is for one who is let in: tests of their own try to get in."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    for methods in copy["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return copy
