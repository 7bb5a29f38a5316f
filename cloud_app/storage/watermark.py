"""How far a stream is complete."""

from __future__ import annotations

from collections.abc import Sequence

from cloud_app.storage.database import Session

# One query's worth: an hour's backlog of one edge is read in a few queries, a hole costs one.
_CHUNK_ROWS = 1000


def contiguous(upto: int, seqs: Sequence[int], gaps: Sequence[tuple[int, int]]) -> int:
    """The highest n such that every number from `upto` + 1 to n is covered.

    Args:
        upto: covered already.
        seqs: numbers that are there, rising.
        gaps: ranges (first, last), both included, that count as covered; sorted by `first`.
    """
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
        gaps = [
            (int(first), int(last))
            for first, last in session.rows(
                "SELECT first_seq, last_seq FROM gap"
                " WHERE edge = ? AND epoch = ? AND last_seq > ? ORDER BY first_seq LIMIT ?",
                (edge, epoch, upto, _CHUNK_ROWS),
            )
        ]
        chunk = session.rows(
            "SELECT seq FROM event WHERE edge = ? AND epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
            (edge, epoch, upto, _CHUNK_ROWS),
        )
        covered = contiguous(upto, [int(seq) for (seq,) in chunk], gaps)
        if covered == upto or max(len(chunk), len(gaps)) < _CHUNK_ROWS:
            return covered
        upto = covered
