"""What the sources of the cloud say of bays: sensors, and people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, Tuple, and_, func, literal_column, tuple_

from cloud_app.storage.database import Session
from cloud_app.storage.source_tables import source_state
from cloud_app.storage.upsert import Excluded, Upsert, names
from sensors.reconcile import SourceKind


@dataclass(frozen=True, slots=True)
class SourceWord:
    """What one source says of one bay.

    Attributes:
        site: of the bay.
        lot: of the bay.
        bay: which.
        source: a device's id, or the person.
        kind: of the source.
        occ: True occupied, False free, None unknown.
        reason: why it is unknown, of `UnknownReason`; None exactly where `occ` is known.
        since_ms: when that began, milliseconds since 1970.
        heard_ms: when the source was heard of; the word with the greatest one stands.
        conf: its own probability that `occ` is right, if it gives one.
        until_ms: when the word ceases to hold if none comes; a sensor's is `heard_ms` and some of
            its periods, a person's the end that they gave. None: it holds until the next one.
    """

    site: str
    lot: str
    bay: str
    source: str
    kind: SourceKind
    occ: bool | None
    reason: str | None
    since_ms: int
    heard_ms: int
    conf: float | None = None
    until_ms: int | None = None

    @property
    def _rank(self) -> tuple[int, int, int, str, int, float]:
        # As `_rank_of` has it in the database: of two heard at one time always the same one stands.
        said = -1 if self.occ is None else int(self.occ)
        ends = -1 if self.until_ms is None else self.until_ms
        conf = -1.0 if self.conf is None else self.conf
        return (self.heard_ms, self.since_ms, said, self.reason or "", ends, conf)

    def is_before(self, other: SourceWord) -> bool:
        """Whether the other one stands instead of this."""
        return self._rank < other._rank


_NONE: ColumnElement[int] = literal_column("-1", Integer)


def _rank_of(row: Excluded) -> Tuple:
    return tuple_(
        row.heard_ms,
        row.since_ms,
        func.coalesce(row.occ, _NONE),
        func.coalesce(row.reason, literal_column("''")),
        func.coalesce(row.until_ms, _NONE),
        func.coalesce(row.conf, _NONE),
    )


_FACTS = ("kind", "occ", "reason", "since_ms", "heard_ms", "until_ms", "conf")
_TELL = Upsert(
    source_state,
    names(source_state),
    lambda new: {**{name: new[name] for name in _FACTS}, "news": literal_column("1")},
    lambda new: _rank_of(source_state.c) < _rank_of(new),
)
_TELL_WHOLE = Upsert(
    source_state,
    names(source_state),
    lambda new: {**{name: new[name] for name in _FACTS}, "news": literal_column("1")},
    lambda new: and_(
        source_state.c.heard_ms <= new.heard_ms, _rank_of(source_state.c) != _rank_of(new)
    ),
)


def tell(session: Session, words: Iterable[SourceWord], *, is_whole: bool = False) -> None:
    """Keep what sources say; the newest word of each stands, whatever came first or twice.

    The reconciler sees to what follows from it within about a second.

    Args:
        session: a writing transaction.
        words: in any order.
        is_whole: each word is made of all that its source ever said, under a lock of the source: of
            two heard at one time the later one stands, since it knows more of the time before.
    """
    newest: dict[tuple[str, str, str, str], SourceWord] = {}
    for word in words:
        key = (word.site, word.lot, word.bay, word.source)
        known = newest.get(key)
        if known is None or known.is_before(word):
            newest[key] = word
    # In order of their keys, so that two that tell at once never wait for each other.
    session.upsert(
        _TELL_WHOLE if is_whole else _TELL,
        [
            (
                *key,
                word.kind.value,
                None if word.occ is None else int(word.occ),
                word.reason,
                word.since_ms,
                word.heard_ms,
                word.until_ms,
                word.conf,
                1,
            )
            for key, word in sorted(newest.items())
        ],
    )
