"""What was announced to Home Assistant and may still be retained, in the store."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator

from edge_app.delivery.database import StoreError
from edge_app.delivery.documents import Documents

_log = logging.getLogger(__name__)

_DOCUMENT = "home_assistant"
_MOST_ASKS = 3
_ASKED_AFTER_S = 10.0
"""A broker sends what it retains right after the subscription; by then it has."""


class DiscoveryRecord:
    """Bays by discovery prefix, and how often the broker was asked.

    Args:
        documents: where it is kept. A disk that cannot be written does not keep bays from being
            announced; it is tried again with the next change.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._bays: dict[str, set[str]] = {}
        self._asks = 0
        self._has_changed = False
        self._read()

    @property
    def may_ask(self) -> bool:
        """Whether the broker is still to be asked what it retains."""
        return self._asks < _MOST_ASKS

    def prefixes(self) -> tuple[str, ...]:
        """Discovery prefixes under which something may be retained."""
        return tuple(self._bays)

    def all(self) -> Iterator[tuple[str, str]]:
        """Prefix and bay of each that may be retained."""
        for prefix, bays in sorted(self._bays.items()):
            for bay in sorted(bays):
                yield prefix, bay

    def add(self, prefix: str, bays: Iterable[str]) -> None:
        """These are about to be announced."""
        new = set(bays) - self._bays.get(prefix, set())
        if new:
            self._bays.setdefault(prefix, set()).update(new)
            self._has_changed = True

    def remove(self, prefix: str, bay: str) -> None:
        """The broker has let go of this one."""
        left = self._bays.get(prefix, set())
        left.discard(bay)
        if not left:
            self._bays.pop(prefix, None)
        self._has_changed = True

    def asking(self) -> None:
        """The broker is asked now; counted before it answers, which it may do by hanging up."""
        if self.may_ask:
            self._asks += 1
            self._has_changed = True
            self.save()

    def asked_for(self, waited_s: float) -> None:
        """So long ago it was asked."""
        if self.may_ask and self._asks and waited_s >= _ASKED_AFTER_S:
            self._asks = _MOST_ASKS
            self._has_changed = True

    def save(self) -> None:
        """Write what changed."""
        if not self._has_changed:
            return
        bays = {prefix: sorted(each) for prefix, each in sorted(self._bays.items())}
        try:
            self._documents.put(_DOCUMENT, json.dumps({"bays": bays, "asks": self._asks}))
        except StoreError as exc:
            _log.warning("cannot save the Home Assistant discovery record: %s", exc)
        self._has_changed = False

    def _read(self) -> None:
        try:
            body = self._documents.get(_DOCUMENT)
            found = {} if body is None else json.loads(body)
            self._bays = {str(key): set(each) for key, each in found.get("bays", {}).items()}
            self._asks = int(found.get("asks", 0))
        except (StoreError, ValueError, TypeError, AttributeError) as exc:
            _log.warning("Home Assistant discovery record discarded: %s", exc)
