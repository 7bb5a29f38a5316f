"""A camera's word on a bay as a document of the store."""

from __future__ import annotations

import logging

from pydantic import TypeAdapter, ValidationError

from edge_app.delivery import BayChange

_log = logging.getLogger(__name__)
_WORD = TypeAdapter(BayChange)


def dump_word(word: BayChange) -> str:
    """As JSON."""
    return _WORD.dump_json(word).decode()


def load_word(body: str) -> BayChange | None:
    """Back from JSON; None where a later version wrote it otherwise."""
    try:
        return _WORD.validate_json(body)
    except ValidationError as exc:
        _log.warning("a camera's kept word cannot be read: %s", exc)
        return None
