"""Installs an unpacked archive into a slot, without any index, and looks whether it runs."""

from __future__ import annotations

import os
import subprocess  # nosec B404
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_app.delivery.slots import RolloutError
from edge_app.software.archive import LOCK, WHEELS

_INSTALL_S = 1800.0
_CHECK_S = 180.0
_LINES_TOLD = 4
_LINE_CHARS = 200
# The child ends with this process, or it would go on writing while the next one begins anew, and
# leaves the cores to the judge. prctl(1): PR_SET_PDEATHSIG.
_AS_CHILD = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("its parent ended")
os.nice(15)
os.execv(sys.argv[2], sys.argv[2:])
"""
# pip runs from its wheel: `python pip.whl/pip`, as its own documentation has it.
_PIP_OPTIONS = (
    "--isolated", "--no-input", "--no-cache-dir", "--disable-pip-version-check", "--no-color",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Installer:
    """Makes a slot.

    Attributes:
        config_file: of this box; a version that does not understand it is refused.
    """

    config_file: Path

    def install(self, unpacked: Path, slot: Path, version: str) -> None:
        """Make the slot, whose folder is not there yet.

        Args:
            unpacked: `requirements.lock` and `wheels`.
            slot: becomes a virtual environment; it cannot be moved.
            version: that must run in it.

        Raises:
            RolloutError: something is missing, or it does not run on this box.
        """
        wheels = unpacked / WHEELS
        pips = sorted(wheels.glob("pip-*.whl"))
        if not pips:
            msg = "expected pip among the wheels, but it is missing"
            raise RolloutError(msg)
        self._run("venv", [sys.executable, "-I", "-m", "venv", "--without-pip", str(slot)])
        python = str(slot / "bin" / "python")
        pip = [python, str(pips[-1] / "pip")]
        options = [
            *_PIP_OPTIONS, "--no-index", f"--find-links={wheels}", "--require-hashes",
            "--only-binary=:all:", f"--requirement={unpacked / LOCK}",
        ]  # fmt: skip
        self._run("pip", [*pip, "install", *options], _INSTALL_S, tmp=unpacked)
        self.check(slot, version)

    def check(self, slot: Path, version: str) -> None:
        """Whether the software of a slot starts, is what it should be, and takes this box's file.

        Raises:
            RolloutError: it does not.
        """
        lotsight = str(slot / "bin" / "lotsight")
        said = self._run("the new version", [lotsight, "--version"])
        if version not in said.split():
            msg = f"expected version {version} in the slot, but it says {said.strip()[:100]!r}"
            raise RolloutError(msg)
        check = [lotsight, "check-config", str(self.config_file)]
        self._run("the new version with this box's configuration", check)

    @staticmethod
    def _run(
        what: str, command: Sequence[str], limit_s: float = _CHECK_S, tmp: Path | None = None
    ) -> str:
        wrapped = [sys.executable, "-I", "-S", "-c", _AS_CHILD, str(os.getpid()), *command]
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        environ["PIP_CONFIG_FILE"] = os.devnull
        if tmp is not None:
            environ["TMPDIR"] = str(tmp)
        try:
            done = subprocess.run(  # noqa: S603 - ours, with signed files # nosec B603
                wrapped, capture_output=True, timeout=limit_s, check=False, env=environ,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as exc:
            msg = f"{what}: did not end within {limit_s:g} s"
            raise RolloutError(msg) from exc
        if done.returncode:
            msg = f"{what}: exit code {done.returncode}: {_told(done.stderr or done.stdout)}"
            raise RolloutError(msg)
        return done.stdout.decode(errors="replace")


def _told(output: bytes) -> str:
    """The lines that say what was wrong: those that are errors, or else the last ones."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return " ".join(line[:_LINE_CHARS] for line in (errors or lines)[-_LINES_TOLD:])
