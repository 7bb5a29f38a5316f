"""What the answers add up to: a state for each bay, who agrees, how often labels were wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from scipy.stats import binomtest

from datasets.labelling.journal import Entry, State, standing
from datasets.labelling.queue import Queue, QueueItem

CONFIDENCE = 0.95
SHOWN_AT_MOST_S = 60.0
"""A person who went for coffee did not look at one screen for ten minutes."""


class How(StrEnum):
    """What became of a bay's suggestion."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    SKIPPED = "skipped"
    """Undecidable from the image."""
    DISPUTED = "disputed"
    """Reviewers disagree, and it is not settled."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer that holds.

    Attributes:
        reviewer: who.
        state: what.
        time: when.
        settles: whether it decides a dispute.
    """

    reviewer: str
    state: State
    time: datetime
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question and its answers.

    Attributes:
        item: the question.
        how: what became of the suggestion.
        occupied: the bay's state; None when skipped or disputed.
        votes: of each reviewer, in the order of time.
    """

    item: QueueItem
    how: How
    occupied: bool | None
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its exact 95 % interval (Clopper and Pearson 1934).

    Attributes:
        hits: of `count`.
        count: how many were looked at.
        low: lower end of the interval; 0 when nothing was looked at.
        high: upper end; 1 when nothing was looked at.
    """

    hits: int
    count: int
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, hits: int, count: int) -> Share:
        """Of so many so many."""
        if count == 0:
            return cls(0, 0)
        interval = binomtest(hits, count).proportion_ci(CONFIDENCE, method="exact")
        return cls(hits, count, float(interval.low), float(interval.high))

    @property
    def value(self) -> float:
        """The share; 0 when nothing was looked at."""
        return self.hits / self.count if self.count else 0.0

    def __str__(self) -> str:
        """In percent, with interval and counts."""
        if not self.count:
            return "unknown: nothing reviewed"
        return (
            f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f} %, "
            f"{self.hits} of {self.count})"
        )


@dataclass(frozen=True, slots=True)
class Results:
    """All that the answers say.

    Attributes:
        outcomes: of every question that was answered, by its name.
        asked: how many questions there are.
        error_rate: of the suggestions, from the random sample alone, so it stands for the pool.
        chosen_rate: the same among the bays that were chosen; how well the choice finds errors.
        agreement: of pairs of answers to the same question, share that are equal.
        alpha: Krippendorff's (2004) for the same answers, 1 perfect, 0 chance; None where there
            are no pairs, or where all answers are equal.
        reviewers: answers of each.
    """

    outcomes: Mapping[str, Outcome] = field(repr=False)
    asked: int
    error_rate: Share
    chosen_rate: Share
    agreement: Share
    alpha: float | None
    reviewers: Mapping[str, int]

    def count(self, how: How) -> int:
        """Questions that came out like this."""
        return sum(outcome.how is how for outcome in self.outcomes.values())


def votes_of(journals: Mapping[str, Sequence[Entry]]) -> dict[str, list[Vote]]:
    """Answers that hold, by question; a person's later answer takes the place of the former.

    A settling answer stands beside the same person's own first answer.
    """
    held = [entry for entries in journals.values() for entry in standing(entries)]
    votes: dict[str, list[Vote]] = {}
    for entry in sorted(held, key=lambda entry: entry.time):
        add_votes(votes, entry)
    return votes


def add_votes(votes: dict[str, list[Vote]], entry: Entry) -> None:
    """Add the answers of one action that is newer than all others."""
    settles = entry.mode == "settle"
    for answer in entry.answers:
        vote = Vote(entry.reviewer, answer.state, entry.time, settles)
        others = [
            known
            for known in votes.get(answer.item, ())
            if (known.reviewer, known.settles) != (vote.reviewer, settles)
        ]
        votes[answer.item] = [*others, vote]


def decide(item: QueueItem, suggestion: bool, votes: Sequence[Vote]) -> Outcome:
    """What several answers to one question come to.

    The last settling answer decides; else the majority of those who could tell; a tie is a dispute.
    """
    settled = [vote for vote in votes if vote.settles]
    counted = settled[-1:] or list(votes)
    told = Counter(vote.state for vote in counted if vote.state != "unknown")
    if not told:
        return Outcome(item, How.SKIPPED, None, tuple(votes))
    if told["occupied"] == told["free"]:
        return Outcome(item, How.DISPUTED, None, tuple(votes))
    occupied = told["occupied"] > told["free"]
    how = How.CONFIRMED if occupied == suggestion else How.CORRECTED
    return Outcome(item, how, occupied, tuple(votes))


def sum_up(queue: Queue, journals: Mapping[str, Sequence[Entry]]) -> Results:
    """Decide every question, and measure."""
    votes = votes_of(journals)
    outcomes = {
        name: decide(item, queue.bay_of(item).suggestion, votes[name])
        for item in queue.items
        if (name := queue.id_of(item)) in votes
    }
    first = [[vote for vote in one.votes if not vote.settles] for one in outcomes.values()]
    states = [[vote.state for vote in votes] for votes in first]
    return Results(
        outcomes=outcomes,
        asked=len(queue.items),
        error_rate=_error_rate(outcomes, random=True),
        chosen_rate=_error_rate(outcomes, random=False),
        agreement=_agreement(states),
        alpha=krippendorff_alpha(states),
        reviewers=Counter(vote.reviewer for votes in first for vote in votes),
    )


def _error_rate(outcomes: Mapping[str, Outcome], *, random: bool) -> Share:
    decided = [
        one for one in outcomes.values()
        if one.item.random is random and one.how in {How.CONFIRMED, How.CORRECTED}
    ]  # fmt: skip
    return Share.of(sum(one.how is How.CORRECTED for one in decided), len(decided))


def _agreement(states: Sequence[Sequence[State]]) -> Share:
    pairs = [a == b for one in states for a, b in combinations(one, 2)]
    return Share.of(sum(pairs), len(pairs))


def krippendorff_alpha(states: Sequence[Sequence[State]]) -> float | None:
    """Agreement of any number of people beyond chance, for unordered states.

    Krippendorff, Content Analysis (2nd ed., 2004), chapter 11; missing answers are allowed.

    Args:
        states: the answers to each question.

    Returns:
        1 for perfect agreement, 0 for chance, less for worse; None where it has no meaning.
    """
    answered = [one for one in states if len(one) > 1]
    totals = Counter(state for one in answered for state in one)
    count = totals.total()
    expected = count**2 - sum(n**2 for n in totals.values())
    if expected == 0:
        return None
    observed = 0.0
    for one in answered:
        tally = Counter(one)
        unequal = len(one) ** 2 - sum(n**2 for n in tally.values())
        observed += unequal / (len(one) - 1)
    return 1 - (count - 1) * observed / expected
