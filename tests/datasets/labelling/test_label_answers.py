"""What is answered: kept through crashes, undone, joined, decided, measured."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datasets.errors import AnswerNotKeptError, DatasetError
from datasets.labelling.journal import (
    Answer,
    Entry,
    append_entry,
    journal_path,
    locked,
    read_entries,
    read_journals,
    repair_journals,
    standing,
)
from datasets.labelling.results import (
    How,
    Share,
    Vote,
    decide,
    krippendorff_alpha,
    sum_up,
    votes_of,
)

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
ITEM = "0123456789ab-7"


def entry(number: int, state: Any = "free", reviewer: str = "ina", **more: Any) -> Entry:
    answers = () if "undoes" in more else (Answer(item=ITEM, state=state),)
    return Entry(
        id=f"{reviewer}-{number:08}",
        reviewer=reviewer,
        time=START + timedelta(seconds=number),
        answers=more.pop("answers", answers),
        **more,
    )


def test_torn_tail_is_dropped_and_cut(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "ina")
    for number in range(3):
        append_entry(path, entry(number))
    with path.open("ab") as file:
        file.write(b'{"id": "ina-0000')
    assert [one.id for one in read_journals(tmp_path)["ina"]] == [entry(n).id for n in range(3)]
    repair_journals(tmp_path)
    append_entry(path, entry(3))
    assert len(read_entries(path)[0]) == 4


def test_damage_before_the_end_is_named_with_its_line(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "ina")
    append_entry(path, entry(0))
    with path.open("ab") as file:
        file.write(b"rubbish\n")
    append_entry(path, entry(1))
    with pytest.raises(DatasetError, match=r"ina\.jsonl:2: expected an answer"):
        read_journals(tmp_path)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """A writer is killed in the middle of its work; every line that it reported is there."""
    script = (
        "import sys; from pathlib import Path; from datetime import UTC, datetime\n"
        "from datasets.labelling.journal import Answer, Entry, append_entry, journal_path\n"
        "path = journal_path(Path(sys.argv[1]), 'ina')\n"
        "for n in range(100000):\n"
        "    append_entry(path, Entry(id=f'entry-{n:06}', reviewer='ina', time=datetime.now(UTC),\n"
        f"        answers=(Answer(item='{ITEM}', state='free'),)))\n"
        "    print(f'entry-{n:06}', flush=True)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    told = [writer.stdout.readline().strip() for _ in range(40)]
    writer.send_signal(signal.SIGKILL)
    told += writer.stdout.read().split()
    writer.wait(10)
    writer.stdout.close()
    repair_journals(tmp_path)
    kept = [one.id for one in read_journals(tmp_path)["ina"]]
    assert kept[: len(told)] == told
    assert len(kept) <= len(told) + 1


def test_full_disk_keeps_the_journal_whole(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "ina")
    append_entry(path, entry(0))
    size = path.stat().st_size
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        # The kernel takes a part of the next line, as a full disk does.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, hard))
        with pytest.raises(AnswerNotKeptError, match=r"ina\.jsonl: cannot save the answer"):
            append_entry(path, entry(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert path.stat().st_size == size
    append_entry(path, entry(2))
    assert [one.id for one in read_entries(path)[0]] == [entry(0).id, entry(2).id]


def test_names_of_people_become_files_inside_the_folder(tmp_path: Path) -> None:
    for name in ("René", "a/b", "..", "Ina M.", "日本"):
        path = journal_path(tmp_path, name)
        assert path.parent == tmp_path / "answers"
        append_entry(path, entry(0, reviewer="someone").model_copy(update={"reviewer": name}))
    assert len(list((tmp_path / "answers").iterdir())) == 5
    with pytest.raises(DatasetError, match="expected a shorter name"):
        journal_path(tmp_path, "日" * 40)


def test_undoing_takes_back_and_copies_count_once(tmp_path: Path) -> None:
    entries = [entry(0, "free"), entry(1, "occupied"), entry(2, undoes=entry(1).id)]
    assert [one.id for one in standing(entries)] == [entry(0).id]
    for one in entries:
        append_entry(journal_path(tmp_path, "ina"), one)
        append_entry(tmp_path / "answers" / "ina (copy).jsonl", one)
    found = read_journals(tmp_path)
    assert [one.id for one in found["ina"]] == [one.id for one in entries]
    assert votes_of(found)[ITEM][0].state == "free"


def test_one_process_reviews_a_queue(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(DatasetError, match="already under review by another process"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def vote(state: Any, reviewer: str = "ina", *, settles: bool = False) -> Vote:
    return Vote(reviewer, state, START, settles)


@pytest.mark.parametrize(
    ("votes", "how", "occupied"),
    [
        pytest.param([vote("free")], How.CONFIRMED, False, id="as suggested"),
        pytest.param([vote("occupied")], How.CORRECTED, True, id="corrected"),
        pytest.param([vote("unknown")], How.SKIPPED, None, id="nobody can tell"),
        pytest.param(
            [vote("unknown"), vote("occupied", "otto")], How.CORRECTED, True, id="one can tell"
        ),
        pytest.param([vote("free"), vote("occupied", "otto")], How.DISPUTED, None, id="a tie"),
        pytest.param(
            [vote("free"), vote("occupied", "otto"), vote("occupied", "eva")],
            How.CORRECTED, True, id="majority",
        ),
        pytest.param(
            [vote("occupied"), vote("occupied", "otto"), vote("free", settles=True)],
            How.CONFIRMED, False, id="settled",
        ),
    ],
)  # fmt: skip
def test_decision(votes: list[Vote], how: How, occupied: bool | None) -> None:
    outcome = decide(None, False, votes)  # type: ignore[arg-type]  # the question is only kept
    assert (outcome.how, outcome.occupied) == (how, occupied)


def test_alpha_of_the_textbook() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section B: 0.095."""
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    names: tuple[Any, Any] = ("free", "occupied")
    states = [[names[a], names[b]] for a, b in zip(meg, owen, strict=True)]
    assert krippendorff_alpha(states) == pytest.approx(0.095, abs=5e-4)
    assert krippendorff_alpha([["free", "free"], ["occupied", "occupied"]]) == 1
    assert krippendorff_alpha([["free", "free"]]) is None
    assert krippendorff_alpha([["free"], ["occupied"]]) is None


def test_exact_interval() -> None:
    # Clopper and Pearson 1934: none of 10 gives 0 to 30.85 %.
    none = Share.of(0, 10)
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(0.3085, abs=1e-4)
    assert str(Share.of(1, 4)).startswith("25.0 % (")
    assert "nothing reviewed" in str(Share.of(0, 0))


def test_error_rate_comes_from_the_random_sample_alone(
    lots: Any, make: Any, tmp_path: Path
) -> None:
    queue = make(lots.pool, tmp_path, count=80, random_share=0.5)
    answers = tuple(
        Answer(
            item=queue.id_of(item),
            state="occupied" if lots.truth[queue.id_of(item)] else "free",
        )
        for item in queue.items
    )
    results = sum_up(queue, {"ina": [entry(0, answers=answers)]})
    wrong = [
        item for item in queue.items
        if queue.bay_of(item).suggestion != lots.truth[queue.id_of(item)]
    ]  # fmt: skip
    assert results.error_rate.count == 40
    assert results.error_rate.hits == sum(item.random for item in wrong)
    assert results.chosen_rate.hits == sum(not item.random for item in wrong)
    assert results.count(How.CORRECTED) == len(wrong)
    assert results.agreement.count == 0


def test_agreement_of_two(lots: Any, make: Any, tmp_path: Path) -> None:
    queue = make(lots.pool, tmp_path, count=10)
    names = [queue.id_of(item) for item in queue.items]
    ina = tuple(Answer(item=name, state="free") for name in names)
    otto = tuple(
        Answer(item=name, state="free" if number < 7 else "occupied")
        for number, name in enumerate(names)
    )
    results = sum_up(
        queue, {"ina": [entry(0, answers=ina)], "otto": [entry(1, reviewer="otto", answers=otto)]}
    )
    assert (results.agreement.hits, results.agreement.count) == (7, 10)
    assert results.count(How.DISPUTED) == 3
    assert results.reviewers == {"ina": 10, "otto": 10}
    assert results.alpha is not None
    assert results.alpha < 0


def test_fsync_is_cheap_enough_for_a_keystroke(tmp_path: Path) -> None:
    path = journal_path(tmp_path, "ina")
    started_s = time.perf_counter()
    for number in range(50):
        append_entry(path, entry(number))
    assert (time.perf_counter() - started_s) / 50 < 0.1
