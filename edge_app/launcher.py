"""`lotsight-launcher`: starts the software of one of two slots, and falls back if it is no good.

    lotsight-launcher STATE_DIR run --config box.toml

It is installed with the box and is not updated, so it needs nothing but the standard library, and
knows only this: which slot is in use, which one was before, and whether the present one has proved
itself. A slot is a virtual environment in `STATE_DIR/software`; `factory` is what was installed by
hand. Everything is in one file there, replaced as a whole, so that a power cut at any moment leaves
one software or the other.

A slot on trial is fallen back from when it was started `MAX_STARTS` times and did not become
healthy, when it cannot be executed at all, or when it is still on trial long after it should have
decided itself (it hangs). Starting again after a crash is the service manager's part.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import select
import signal
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

FOLDER = "software"
FILE = "slots.json"
FACTORY = "factory"
SLOTS = ("a", "b")
MAX_STARTS = 3
ENVIRONMENT = "LOTSIGHT_LAUNCHER"
"""Set for the software: JSON with `argv`, to start anew by the launcher, and `folder`."""
_GRACE_S = 60.0
"""Software that works decides about itself before."""
_STOP_S = 30.0


@dataclass(frozen=True)
class Slots:
    """Which slot holds what.

    Attributes:
        active: the slot in use, or `factory`.
        former: what was in use before.
        versions: what lies in each slot, once it is whole.
        trial_s: for how long the active slot is tried; None: it has proved itself.
        starts: how often it was started on trial.
        cameras: those that worked before the trial.
        refused: the version that was fallen back from last; empty: none.
        reason: why.
    """

    active: str = FACTORY
    former: str = FACTORY
    versions: dict[str, str] = field(default_factory=dict)
    trial_s: float | None = None
    starts: int = 0
    cameras: tuple[str, ...] = ()
    refused: str = ""
    reason: str = ""

    @property
    def version(self) -> str:
        """Of the software in use; empty where nobody wrote it down."""
        return self.versions.get(self.active, "")

    def is_of(self, factory: str) -> bool:
        """Whether the factory's software is what it was; another one installed by hand wins."""
        return self.versions.get(FACTORY, factory) == factory

    def fallen_back(self, reason: str) -> Slots:
        """With what was in use before."""
        kept = {slot: each for slot, each in self.versions.items() if slot != self.active}
        return Slots(
            active=self.former,
            versions=kept,
            refused=self.version or self.active,
            reason=reason,
        )

    def started(self) -> Slots:
        """After one more start."""
        if self.trial_s is None:
            return self
        if self.starts >= MAX_STARTS:
            return self.fallen_back(f"started {self.starts} times without becoming healthy")
        return replace(self, starts=self.starts + 1)


def read_slots(folder: Path) -> Slots:
    """The slots as they are written down; a file that cannot be read means the factory's software.

    Args:
        folder: of the slots.
    """
    path = folder / FILE
    try:
        return _slots(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Slots()
    except (OSError, ValueError, TypeError, AttributeError) as exc:
        _say(f"{path}: cannot be read, so the factory's software is used: {exc}")
        return Slots()


def _slots(raw: dict[str, object]) -> Slots:
    """Raises ValueError or TypeError; what a later launcher wrote beside it is passed over."""
    slots = Slots(**{key: value for key, value in raw.items() if key in asdict(Slots())})  # type: ignore[arg-type]
    places = {FACTORY, *SLOTS}
    if not {slots.active, slots.former, *dict(slots.versions)} <= places:
        msg = f"expected slots {', '.join(sorted(places))}"
        raise ValueError(msg)
    if slots.trial_s is not None and not float(slots.trial_s) >= 0:
        msg = f"expected trial_s of 0 or more, but got {slots.trial_s}"
        raise ValueError(msg)
    return replace(slots, starts=int(slots.starts), cameras=tuple(slots.cameras))


def write_slots(folder: Path, slots: Slots) -> None:
    """Replace the file as a whole.

    Raises:
        OSError: the disk is full, or the folder cannot be written; the old file stands.
    """
    fresh = folder / f"{FILE}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(asdict(slots), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / FILE)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def factory_version() -> str:
    """Of the software that was installed by hand, with this launcher."""
    try:
        return importlib.metadata.version("lotsight")
    except importlib.metadata.PackageNotFoundError:
        return ""


def program(folder: Path, slot: str) -> Path:
    """The command of a slot; the factory's is beside this launcher's interpreter."""
    bin_folder = Path(sys.executable).parent if slot == FACTORY else folder / slot / "bin"
    return bin_folder / "lotsight"


def begin(folder: Path) -> Slots:
    """The slots after this start was counted."""
    slots = read_slots(folder)
    counted = slots.started() if slots.is_of(factory_version()) else Slots()
    if counted == slots:
        return slots
    try:
        write_slots(folder, counted)
    except OSError as exc:
        # A start that is not counted could go on forever.
        counted = slots.fallen_back(f"its start could not be counted: {exc.strerror}")
    if counted.active != slots.active:
        _say(f"back to {counted.active}: {counted.refused} {counted.reason or 'was replaced'}")
    return counted


def launch(folder: Path, arguments: list[str]) -> None:
    """Become the software in use.

    Raises:
        OSError: not even the factory's can be executed.
    """
    is_service = arguments[:1] == ["run"]
    slots = begin(folder) if is_service else read_slots(folder)
    while True:
        path = program(folder, slots.active)
        if is_service and slots.trial_s is not None:
            _guard(folder, slots)
        try:
            os.execv(path, [str(path), *arguments])  # noqa: S606 - our own programs # nosec B606
        except OSError as exc:
            if slots.active == FACTORY:
                raise
            _say(f"{path}: cannot be executed: {exc.strerror}")
            slots = slots.fallen_back(f"cannot be executed: {exc.strerror}")
            try:
                write_slots(folder, slots)
            except OSError as fault:
                _say(f"{folder / FILE}: cannot be written: {fault.strerror}")


def _guard(folder: Path, slots: Slots) -> None:
    """Leave a process that ends this one, if the software hangs until long after its trial."""
    try:
        watched = os.pidfd_open(os.getpid())
        child = os.fork()
    except OSError as exc:
        _say(f"software that hangs will not be noticed: {exc.strerror}")
        return
    if child:
        os.close(watched)
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:  # a grandchild: the software would not know what to do with a child
            _watch(folder, slots, watched)
    finally:
        os._exit(0)


def _watch(folder: Path, slots: Slots, watched: int) -> None:
    end = select.poll()
    end.register(watched, select.POLLIN)
    if end.poll(int(((slots.trial_s or 0.0) + _GRACE_S) * 1000)):
        return
    now = read_slots(folder)
    if (now.trial_s, now.active, now.starts) != (slots.trial_s, slots.active, slots.starts):
        return
    write_slots(folder, now.fallen_back("hangs: it did not decide about itself in its trial"))
    signal.pidfd_send_signal(watched, signal.SIGTERM)
    if not end.poll(int(_STOP_S * 1000)):
        signal.pidfd_send_signal(watched, signal.SIGKILL)


def _say(text: str) -> None:
    sys.stderr.write(f"lotsight-launcher: {text}\n")
    sys.stderr.flush()


def main() -> None:
    """Read the command line."""
    match sys.argv[1:]:
        case [state_dir, *arguments] if arguments and not state_dir.startswith("-"):
            folder = Path(state_dir).resolve() / FOLDER
        case _:
            sys.exit("usage: lotsight-launcher STATE_DIR run --config FILE (or another command)")
    again = {"argv": [sys.executable, *sys.orig_argv[1:]], "folder": str(folder)}
    os.environ[ENVIRONMENT] = json.dumps(again)
    try:
        launch(folder, arguments)
    except OSError as exc:
        sys.exit(f"lotsight-launcher: {program(folder, FACTORY)}: {exc.strerror}")


if __name__ == "__main__":
    main()
