"""The launcher: which software it starts, whatever happened before."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from edge_app import launcher
from edge_app.launcher import FACTORY, FILE, MAX_STARTS, Slots, begin, read_slots, write_slots

TRIAL = Slots(active="b", former="a", versions={"a": "1.0", "b": "2.0"}, trial_s=300.0)


def test_it_needs_the_standard_library_alone() -> None:
    tree = ast.parse(Path(launcher.__file__).read_text(encoding="utf-8"))
    names = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_a_slot_on_trial_that_does_not_come_through_is_left(tmp_path: Path) -> None:
    write_slots(tmp_path, TRIAL)
    for number in range(1, MAX_STARTS + 1):
        assert begin(tmp_path).starts == number
    after = begin(tmp_path)
    assert (after.active, after.trial_s, after.versions) == ("a", None, {"a": "1.0"})
    assert (after.refused, after.reason) == ("2.0", "started 3 times without becoming healthy")
    assert begin(tmp_path) == after == read_slots(tmp_path)


def test_a_slot_that_proved_itself_is_started_without_counting(tmp_path: Path) -> None:
    proved = replace(TRIAL, trial_s=None)
    write_slots(tmp_path, proved)
    for _ in range(9):
        assert begin(tmp_path) == proved


def test_a_start_that_cannot_be_counted_is_not_tried(tmp_path: Path) -> None:
    write_slots(tmp_path, TRIAL)
    (tmp_path / f"{FILE}.new").mkdir()  # as on a full disk: nothing can be written
    assert begin(tmp_path).active == "a"
    assert read_slots(tmp_path) == TRIAL


def test_software_that_was_installed_by_hand_meanwhile_wins(tmp_path: Path) -> None:
    here = {"factory": launcher.factory_version()}
    write_slots(tmp_path, replace(TRIAL, trial_s=None, versions=TRIAL.versions | here))
    assert begin(tmp_path).active == "b"
    write_slots(tmp_path, replace(TRIAL, versions=TRIAL.versions | {"factory": "0.0.1"}))
    assert begin(tmp_path) == read_slots(tmp_path) == Slots()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param('{"active": "a"', id="half"),
        pytest.param("[]", id="a list"),
        pytest.param('{"active": "../../bin"}', id="a path"),
        pytest.param('{"active": null}', id="no slot"),
        pytest.param('{"versions": 3}', id="no versions"),
        pytest.param('{"versions": ["a"]}', id="a list of versions"),
        pytest.param('{"trial_s": "soon"}', id="no time"),
        pytest.param('{"trial_s": -1}', id="a time in the past"),
        pytest.param('{"starts": "many"}', id="no count"),
        pytest.param('{"cameras": 1}', id="no cameras"),
    ],
)
def test_a_file_that_is_none_means_the_factory(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read_slots(tmp_path) == Slots()


def test_what_a_later_launcher_wrote_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(asdict(TRIAL) | {"later": {"more": 1}}))
    assert read_slots(tmp_path) == TRIAL


class Bench:
    """A state folder whose slots hold programs that say who they are."""

    def __init__(self, folder: Path) -> None:
        self.state, self.slots = folder, folder / launcher.FOLDER
        self.factory = folder / "factory"
        for place in (self.slots / "a" / "bin", self.slots / "b" / "bin", self.factory):
            place.mkdir(parents=True)
        # Its own interpreter, so that the factory's program is beside it.
        (self.factory / "python").symlink_to(sys.executable)
        self.program(self.factory, "factory")
        self.program(self.slots / "a" / "bin", "a")
        self.program(self.slots / "b" / "bin", "b")

    def program(self, folder: Path, body: str) -> None:
        path = folder / "lotsight"
        path.write_text(body if body.startswith("#!") else f'#!/bin/sh\necho {body} "$@" $$\n')
        path.chmod(0o755)

    def start(self, *arguments: str, before: str = "pass") -> subprocess.Popen[str]:
        code = f"import sys; import edge_app.launcher as l; {before}; "
        code += f"sys.executable = {str(self.factory / 'python')!r}; l.main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, str(self.state), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def said(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        *words, pid = out.split()
        assert int(pid) == process.pid, "the service manager sees the same process"
        return " ".join(words)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_software_in_use_is_started_and_commands_count_nothing(bench: Bench) -> None:
    assert bench.said("run", "--config", "x") == "factory run --config x"
    write_slots(bench.slots, TRIAL)
    assert bench.said("check-config") == "b check-config"
    assert read_slots(bench.slots).starts == 0
    assert bench.said("run") == "b run"
    assert read_slots(bench.slots).starts == 1


def test_software_that_cannot_be_executed_is_left_even_if_it_proved_itself(bench: Bench) -> None:
    write_slots(bench.slots, replace(TRIAL, trial_s=None))
    bench.program(bench.slots / "b" / "bin", "#!/nowhere/python3.9\n")
    assert bench.said("run") == "a run"
    assert read_slots(bench.slots).reason == "cannot be executed: No such file or directory"
    (bench.slots / "a" / "bin" / "lotsight").unlink()
    assert bench.said("run") == "factory run"
    assert read_slots(bench.slots).active == FACTORY


def test_software_that_hangs_in_its_trial_is_ended_and_left(bench: Bench) -> None:
    write_slots(bench.slots, replace(TRIAL, trial_s=0.1))
    bench.program(
        bench.slots / "b" / "bin", '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 0.1; done\n'
    )
    process = bench.start("run", before="l._GRACE_S = l._STOP_S = 0.2")
    assert process.wait(60) == -signal.SIGKILL
    process.communicate()
    after = read_slots(bench.slots)
    assert (after.active, after.refused, "hangs" in after.reason) == ("a", "2.0", True)
    assert bench.said("run") == "a run"


def test_nothing_is_left_behind_where_the_software_ends_in_its_trial(bench: Bench) -> None:
    write_slots(bench.slots, TRIAL)
    process = bench.start("run")
    # Pipes are at their end once the guard, which holds them too, has ended.
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_wrong_command_line_is_told(bench: Bench) -> None:
    process: subprocess.CompletedProcess[Any] = subprocess.run(
        [sys.executable, "-m", "edge_app.launcher", "--help"],
        capture_output=True, text=True, check=False, env={**os.environ}, timeout=60,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr.startswith("usage: lotsight-launcher STATE_DIR run")
