"""The programs under test as processes of their own that need not import everything first.

An import of either half takes seconds of processor time, and tests start (and kill) them some
hundred times. `multiprocessing`'s fork server imports both once; each program is a fork of it, with
its own arguments, folder, environment and log. How a program starts from nothing is tested where
its real command is run (tests/packaging, tests/system/test_demo_run.py and others).
"""

from __future__ import annotations

import atexit
import faulthandler
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["cloud_app.service", "edge_app.assembly", "edge_app.delivery"])


class Fork:
    """One running program; what `subprocess.Popen` offers of it.

    Args:
        main: the module whose `main()` is the program.
        arguments: the command line after the program's name.
        log: what it writes on both streams is appended to.
        cwd: its working folder; by default the test's.
    """

    def __init__(
        self, main: str, arguments: Sequence[str], log: Path, cwd: Path | None = None
    ) -> None:
        log.touch()
        self._process: ForkServerProcess = _FORKS.Process(
            target=_become,
            args=(main, list(arguments), str(log), str(cwd or Path.cwd()), dict(os.environ)),
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, which: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, which)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def program(
    main: str, arguments: Sequence[str], log: Path, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """The same from nothing, where a fork would not do: preloaded libraries, memory of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", f"from {main} import main; main()", *arguments],
            stdout=output, stderr=output, cwd=cwd,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )  # fmt: skip


def _become(main: str, arguments: list[str], log: str, cwd: str, environ: dict[str, str]) -> None:
    """In the new process: be the program."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    faulthandler.enable()
    # As if it were started so: a box that restarts itself runs this line again.
    sys.argv = ["-c", *arguments]
    sys.orig_argv = [sys.executable, "-c", f"from {main} import main; main()", *arguments]
    try:
        importlib.import_module(main).main()
    finally:
        # `multiprocessing` ends its processes without these.
        atexit._run_exitfuncs()
