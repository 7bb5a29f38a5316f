from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from calibration import (
    Calibration,
    InvalidCalibrationError,
    RevisionConflictError,
    list_revisions,
    load_calibration,
    load_revision,
    read_calibration,
    rollback_calibration,
    save_calibration,
)
from calibration.files import revisions_folder
from telemetry.errors import CalibrationError

Make = Callable[..., Calibration]


def without(calibration: Calibration, bay_id: str) -> Calibration:
    bays = tuple(bay for bay in calibration.bays if bay.id != bay_id)
    return calibration.model_copy(update={"bays": bays})


def test_first_save_then_load(tmp_path: Path, make_calibration: Make, now_utc: datetime) -> None:
    path = tmp_path / "lots" / "north.json"
    saved = save_calibration(path, make_calibration(), author="ina", now_utc=now_utc)
    assert (saved.revision, saved.author, saved.time) == (1, "ina", now_utc)
    assert saved.checksum is not None
    assert load_calibration(path) == saved
    assert not list(tmp_path.rglob("*.tmp"))


def test_every_revision_stays(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    saved = save_calibration(path, make_calibration(), author="ina")
    for count in (4, 5):
        changed = make_calibration(count, revision=saved.revision)
        saved = save_calibration(path, changed, author="bo")
    revisions = list_revisions(path)
    assert [(item.number, item.current) for item in revisions] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert [len(item.calibration.bays) for item in revisions] == [3, 4, 5]
    assert load_revision(path, 2).author == "bo"


def test_deleted_ids_are_retired_and_never_come_back(
    tmp_path: Path, make_calibration: Make
) -> None:
    path = tmp_path / "north.json"
    saved = save_calibration(path, make_calibration(), author="ina")
    saved = save_calibration(path, without(saved, "A02"), author="ina")
    assert saved.retired_ids == ("A02",)
    again = make_calibration(revision=saved.revision)
    with pytest.raises(InvalidCalibrationError, match="bay A02: expected a new id") as caught:
        save_calibration(path, again, author="ina")
    assert [finding.bay for finding in caught.value.findings] == ["A02"]
    assert load_calibration(path) == saved


def test_a_forged_list_of_retired_ids_does_not_free_them(
    tmp_path: Path, make_calibration: Make
) -> None:
    path = tmp_path / "north.json"
    saved = save_calibration(path, make_calibration(), author="ina")
    saved = save_calibration(path, without(saved, "A03"), author="ina")
    forged = saved.model_copy(update={"retired_ids": ()})
    assert save_calibration(path, forged, author="ina").retired_ids == ("A03",)


def test_the_second_of_two_editors_is_told(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    base = save_calibration(path, make_calibration(), author="ina")
    first = save_calibration(path, base.model_copy(update={"note": "first"}), author="ina")
    with pytest.raises(RevisionConflictError, match="expected revision 1, but got 2") as caught:
        save_calibration(path, base.model_copy(update={"note": "second"}), author="bo")
    assert (caught.value.expected_revision, caught.value.found_revision) == (1, 2)
    assert load_calibration(path) == first


def test_a_new_calibration_does_not_overwrite_a_file(
    tmp_path: Path, make_calibration: Make
) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(), author="ina")
    with pytest.raises(RevisionConflictError, match="expected revision 0, but got 1"):
        save_calibration(path, make_calibration(), author="bo")


def test_of_many_writers_at_once_exactly_one_wins_each_revision(
    tmp_path: Path, make_calibration: Make
) -> None:
    path = tmp_path / "north.json"
    base = save_calibration(path, make_calibration(), author="ina")
    outcomes: list[str] = []

    def write(name: str) -> None:
        try:
            save_calibration(path, base, author=name)
            outcomes.append("saved")
        except RevisionConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 5 + ["saved"]
    assert load_calibration(path).revision == 2


def test_roll_back_brings_bays_back_under_their_ids(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    first = save_calibration(path, make_calibration(), author="ina")
    shorter = save_calibration(path, without(first, "A02"), author="ina")
    longer = shorter.model_copy(update={"bays": (*shorter.bays, make_calibration(4).bays[3])})
    save_calibration(path, longer, author="ina")
    back = rollback_calibration(path, 1, author="bo")
    assert (back.revision, back.bays, back.retired_ids) == (4, first.bays, ("A04",))
    assert back.note == "roll back to revision 1"
    assert [item.number for item in list_revisions(path)] == [1, 2, 3, 4]
    forward = rollback_calibration(path, 3, author="bo")
    assert (forward.bay_ids, forward.retired_ids) == (("A01", "A03", "A04"), ("A02",))


def test_roll_back_names_the_revisions_there_are(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(), author="ina")
    with pytest.raises(CalibrationError, match=r"expected a saved revision \(1\), but got 7"):
        rollback_calibration(path, 7, author="ina")
    with pytest.raises(RevisionConflictError):
        rollback_calibration(path, 1, author="ina", expected_revision=9)


@pytest.mark.parametrize("content", [b"", b'{"camera"', b"\xff\xfe", None])
def test_a_damaged_file_can_be_rolled_back(
    tmp_path: Path, make_calibration: Make, content: bytes | None
) -> None:
    path = tmp_path / "north.json"
    first = save_calibration(path, make_calibration(), author="ina")
    save_calibration(path, first.model_copy(update={"note": "two"}), author="ina")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(CalibrationError, match=r"north\.json"):
        load_calibration(path)
    back = rollback_calibration(path, 1, author="bo")
    assert (back.revision, back.bays) == (3, first.bays)
    assert load_calibration(path) == back


def test_a_hand_written_file_is_archived_before_it_is_replaced(
    tmp_path: Path, make_calibration: Make
) -> None:
    path = tmp_path / "north.json"
    path.write_text(
        '{"camera": "north", "image_wh": [640, 480], "bays": ['
        '{"id": "X1", "polygon": [[0.1, 0.1], [0.1, 0.4], [0.4, 0.4], [0.4, 0.1]]}]}'
    )
    by_hand = load_calibration(path)
    assert by_hand.revision == 0
    saved = save_calibration(path, by_hand, author="ina")
    assert saved.bays[0].polygon[1] == (0.4, 0.1), "turned clockwise"
    assert [item.number for item in list_revisions(path)] == [0, 1]
    assert rollback_calibration(path, 0, author="ina").revision == 2


def test_invalid_bays_are_not_saved_but_can_be_read(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    good = make_calibration()
    crossing = good.bays[0].model_copy(
        update={"polygon": ((0.1, 0.1), (0.4, 0.4), (0.4, 0.1), (0.1, 0.4))}
    )
    bad = good.model_copy(update={"bays": (crossing, *good.bays[1:])})
    with pytest.raises(InvalidCalibrationError, match="bay A01: expected an outline that does not"):
        save_calibration(path, bad, author="ina")
    assert not path.exists()
    path.write_text(bad.model_dump_json())
    with pytest.raises(InvalidCalibrationError, match="A01"):
        load_calibration(path)
    assert read_calibration(path) == bad


def test_unreadable_places_are_named(tmp_path: Path, make_calibration: Make) -> None:
    with pytest.raises(CalibrationError, match=r"nowhere\.json: .*No such file"):
        load_calibration(tmp_path / "nowhere.json")
    with pytest.raises(CalibrationError, match="Is a directory"):
        load_calibration(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CalibrationError, match="expected a writable folder"):
        save_calibration(tmp_path / "file" / "n.json", make_calibration(), author="ina")


def test_a_file_far_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    with pytest.raises(CalibrationError, match="at most 16777216 bytes"):
        load_calibration(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_changes_nothing(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    saved = save_calibration(path, make_calibration(), author="ina")
    # The kernel refuses to let any file of this process grow beyond the limit, as a full disk does.
    script = """
import resource, signal, sys
from calibration import load_calibration, save_calibration
from telemetry.errors import CalibrationError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
calibration = load_calibration(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    save_calibration(sys.argv[1], calibration, author="bo")
except CalibrationError as exc:
    sys.exit(0 if "nothing was changed" in str(exc) else 2)
sys.exit(3)
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False, timeout=60)
    assert done.returncode == 0
    assert load_calibration(path) == saved
    assert not list(tmp_path.rglob("*.tmp"))


CRASHING = """
import os, signal, sys
from pathlib import Path
from calibration import load_calibration, list_revisions, save_calibration

path = Path(sys.argv[1])
WATCHED = ("open", "os.rename", "os.mkdir", "os.chmod", "os.remove", "os.listdir", "os.scandir")

def save_and_die_at(step):
    seen = 0
    def hook(event, arguments):
        nonlocal seen
        if event in WATCHED:
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    save_calibration(path, load_calibration(path), author="crash")
    os._exit(0)

step, killed = 1, 0
while True:
    before = load_calibration(path)
    child = os.fork()
    if child == 0:
        save_and_die_at(step)
    _, status = os.waitpid(child, 0)
    after = load_calibration(path)
    assert after.revision in (before.revision, before.revision + 1), (step, after.revision)
    assert after.bays == before.bays
    assert list_revisions(path)[-1].number == after.revision
    save_calibration(path, after, author="next")
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
    killed += 1
    step += 1
assert not list(path.parent.rglob("*.tmp")), "the next save removes what a crash left"
print(killed)
"""


def test_kill_9_at_every_step_of_a_save_leaves_a_whole_file(
    tmp_path: Path, make_calibration: Make
) -> None:
    path = tmp_path / "north.json"
    save_calibration(path, make_calibration(5), author="ina")
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", CRASHING, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 10, "the save has at least ten steps to die at"


WRITING = """
import sys
from calibration import load_calibration, save_calibration
while True:
    save_calibration(sys.argv[1], load_calibration(sys.argv[1]), author="loop")
    print("saved", flush=True)
"""


@pytest.mark.slow
def test_kill_9_at_random_times_leaves_a_whole_file(tmp_path: Path, make_calibration: Make) -> None:
    path = tmp_path / "north.json"
    last = save_calibration(path, make_calibration(11), author="ina")
    for round_number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            # Steps that share no factor with the time of a save fall everywhere in it.
            threading.Event().wait(0.05 + 0.037 * round_number)
            writer.kill()
        now = load_calibration(path)
        assert now.revision > last.revision
        assert now.bays == last.bays
        assert revisions_folder(path).is_dir()
        last = now
