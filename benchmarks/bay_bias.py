"""What a few answers of a person bring on the bays that they are about.

    python benchmarks/bay_bias.py

Each camera's images in order of time. Whenever bay head and boxes contradict each other on a bay
and nothing settles it, a person is asked, until the bay has k answers; the images asked about count
neither before nor after. `--first` answers the first k images of every bay instead, asked or not:
a check that no answer does harm.
"""

from __future__ import annotations

from collections import defaultdict

import typer
from rich.console import Console
from rich.table import Table
from seen_sets import seen_frames

from vision.bay_bias import Answer, fit_bias
from vision.evidence import to_log_odds

SETS = ("pklot_ufpr05:train", "pklot_ufpr05:valid", "pklot_pucpr:test", "pklot_ufpr04:test",
        "winter_t10:test", "street_night:test", "smartlot:train", "smartlot:valid",
        "nightlot:train", "nightlot:valid")  # fmt: skip
Look = tuple[str, float, bool, bool]
"""Time, log-odds, whether it is contradictory, the truth."""


def main(first: bool = False) -> None:
    """Measure and print."""
    looks: dict[str, dict[str, list[Look]]] = defaultdict(lambda: defaultdict(list))
    for seen in seen_frames(SETS):
        evidence, frame = seen.judgement.evidence, seen.frame
        apart = evidence.contradicted
        for bay, log_odds in enumerate(to_log_odds(evidence.prob).tolist()):
            asked = apart is not None and bool(apart[bay])
            key = f"{frame.time_local} {frame.path.name}"
            look = (key, log_odds, asked, bool(seen.occupied[bay]))
            looks[seen.lot][frame.bay_ids[bay]].append(look)
    table = Table(title="wrong without and with the answers, of the bays not asked about")
    table.add_column("camera")
    for count in (1, 2, 3, 5):
        table.add_column(f"k = {count}", justify="right")
    for name, bays in looks.items():
        cells = [_cell(list(bays.values()), count, first=first) for count in (1, 2, 3, 5)]
        table.add_row(name, *cells)
    Console(width=130).print(table)


def _cell(bays: list[list[Look]], most: int, *, first: bool) -> str:
    answered = before = after = total = 0
    for bay in bays:
        answers: list[Answer] = []
        bias = 0.0
        for _, log_odds, asked, occupied in sorted(bay):
            if len(answers) < most and (asked or first):
                answers.append(Answer(log_odds, occupied))
                bias = fit_bias(answers)
                answered += 1
                continue
            total += 1
            before += (log_odds >= 0) != occupied
            after += (log_odds + bias >= 0) != occupied
    return f"{before} -> {after} of {total} ({answered} answers)"


if __name__ == "__main__":
    typer.run(main)
