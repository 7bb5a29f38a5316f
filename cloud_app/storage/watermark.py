"""How far each stream is complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, case, select

from cloud_app.storage.database import Session
from cloud_app.storage.tables import event, gap, stream
from cloud_app.storage.upsert import Upsert, among
from cloud_app.stream import StreamKey

# One query's worth: an hour's backlog of one edge is read in a few queries, a hole costs one.
_CHUNK_ROWS = 1000

_REACH = select(stream).where(among(stream.c.edge, "edges"))
_RAISE = Upsert(
    stream,
    ("edge", "epoch", "upto", "top"),
    lambda new: {
        "upto": new.upto,
        "top": case((new.top > stream.c.top, new.top), else_=stream.c.top),
    },
)
_GAPS = (
    select(gap.c.first_seq, gap.c.last_seq)
    .where(
        gap.c.edge == bindparam("edge"),
        gap.c.epoch == bindparam("epoch"),
        gap.c.last_seq > bindparam("upto"),
    )
    .order_by(gap.c.first_seq)
    .limit(_CHUNK_ROWS)
)
_NEXT = (
    select(event.c.seq)
    .where(
        event.c.edge == bindparam("edge"),
        event.c.epoch == bindparam("epoch"),
        event.c.seq > bindparam("upto"),
    )
    .order_by(event.c.seq)
    .limit(_CHUNK_ROWS)
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a stream is complete, and how far it is known to go."""

    upto: int = 0
    top: int = 0


@dataclass(slots=True)
class News:
    """What one batch brings to one stream."""

    seqs: list[int] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    top: int = 0

    @property
    def highest(self) -> int:
        """The highest number that is known to exist now."""
        gaps = max((last for _, last in self.gaps), default=0)
        return max(self.top, gaps, max(self.seqs, default=0))


def reach(session: Session, edges: Iterable[str]) -> dict[StreamKey, Reach]:
    """The streams of these edges as the tables hold them."""
    return {
        (edge, epoch): Reach(upto, top)
        for edge, epoch, upto, top in session.rows(_REACH, {"edges": list(edges)})
    }


def raise_streams(
    session: Session, before: Mapping[StreamKey, Reach], news: Mapping[StreamKey, News]
) -> dict[StreamKey, int]:
    """Raise streams to what the tables hold now; return their watermarks.

    What came just now is followed in memory. Only where the stream reaches beyond that, over a hole
    or to events that came before, the tables are asked.

    Args:
        session: a transaction that has touched these edges and holds what they bring.
        before: the streams as they were.
        news: what they bring.
    """
    marks: dict[StreamKey, int] = {}
    changed: list[tuple[str, int, int, int]] = []
    for key in sorted(news):
        known, new = before.get(key, Reach()), news[key]
        top = max(known.top, new.highest)
        upto = contiguous(known.upto, sorted(new.seqs), sorted(new.gaps))
        if upto < top:
            upto = advance(session, *key, upto)
        if (upto, top) != (known.upto, known.top) or key not in before:
            changed.append((*key, upto, top))
        marks[key] = upto
    session.upsert(_RAISE, changed)
    return marks


def contiguous(upto: int, seqs: Sequence[int], gaps: Sequence[tuple[int, int]]) -> int:
    """The highest n such that every number from `upto` + 1 to n is covered.

    Args:
        upto: covered already.
        seqs: numbers that are there, rising, none twice.
        gaps: ranges (first, last), both included, that count as covered; sorted by `first`.
    """
    if seqs and not gaps and seqs[0] == upto + 1 and seqs[-1] == upto + len(seqs):
        return seqs[-1]
    covered, next_seq, next_gap = upto, 0, 0
    while True:
        if next_gap < len(gaps) and gaps[next_gap][0] <= covered + 1:
            covered = max(covered, gaps[next_gap][1])
            next_gap += 1
        elif next_seq < len(seqs) and seqs[next_seq] <= covered + 1:
            covered = max(covered, seqs[next_seq])
            next_seq += 1
        else:
            return covered


def advance(session: Session, edge: str, epoch: int, upto: int) -> int:
    """The watermark after what the tables hold now; reads on only while there is no hole."""
    while True:
        where = {"edge": edge, "epoch": epoch, "upto": upto}
        gaps = [(first, last) for first, last in session.rows(_GAPS, where)]
        chunk = session.rows(_NEXT, where)
        covered = contiguous(upto, [seq for (seq,) in chunk], gaps)
        if covered == upto or max(len(chunk), len(gaps)) < _CHUNK_ROWS:
            return covered
        upto = covered
