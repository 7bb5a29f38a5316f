"""Fixtures that every folder of tests shares: real components, third-party data, free ports.

A missing component skips its tests by name on a developer's machine; under CI (`CI=true`) it fails
them, since a component that nobody ran is a component that nobody tested.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge_app.redaction import SECRETS
from tests.kit.mosquitto import free_port as kit_free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPO = Path(__file__).resolve().parent.parent
# No sandbox, since CI may be root; the rest keeps Chromium from asking the network for anything.
CHROMIUM_FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_secret_is_known() -> None:
    """One registry serves a process, and one test's password is another one's plain word."""
    SECRETS.forget()


def _absent(what: str, remedy: str) -> None:
    reason = f"{what} is not on this machine: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (under CI no test of a real component may be skipped)")
    pytest.skip(reason)


def _program(name: str, package: str, *more_folders: str) -> Path:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *more_folders])
    found = shutil.which(name, path=path)
    if found is None:
        _absent(name, f"apt-get install {package}")
        raise AssertionError
    return Path(found)


@pytest.fixture(scope="session")
def mosquitto() -> Path:
    """The real broker's executable."""
    return _program("mosquitto", "mosquitto")


@pytest.fixture(scope="session")
def mosquitto_sub() -> Path:
    """The real command-line subscriber."""
    return _program("mosquitto_sub", "mosquitto-clients")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's Chromium."""
    return _program("chromium", "chromium")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """The real browser. One a module: as long as it lives, no test may run an event loop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def postgres_bin() -> Path:
    """The folder with PostgreSQL's `initdb` and `pg_ctl`."""
    folders = sorted(str(p) for p in Path("/usr/lib/postgresql").glob("*/bin"))
    return _program("initdb", "postgresql", *folders).resolve().parent


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where the pages' tools and the OpenID provider are; `node` beside them."""
    _program("node", "nodejs")
    folder = REPO / "node_modules"
    if not (folder / "oidc-provider").is_dir():
        _absent("node_modules/oidc-provider", "scripts/pages")
    return folder


@pytest.fixture(scope="session")
def built_pages() -> Path:
    """The operations centre, built if its sources are newer; one worker builds, the others wait."""
    _program("node", "nodejs")
    (REPO / "build").mkdir(exist_ok=True)
    with (REPO / "build" / "pages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([REPO / "scripts" / "pages", "fresh"], check=True, timeout=280)
    return REPO / "cloud_app" / "web" / "dist"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Third-party pictures and clips; absent from a plain clone, and never committed."""
    folder = Path(os.environ.get("LOTSIGHT_DATA", REPO.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"no labelled lots at {folder}: set LOTSIGHT_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def train_extra() -> None:
    """The `train` extra: torch and ultralytics."""
    for module in ("torch", "ultralytics"):
        if importlib.util.find_spec(module) is None:
            _absent(f"the Python module {module}", "scripts/setup --train")


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that gives a TCP port which was free on loopback a moment ago."""
    return kit_free_port


@pytest.fixture(autouse=True)
def _clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's shell reaches the code under test."""
    for name in list(os.environ):
        if name.startswith("LOTSIGHT_") and name != "LOTSIGHT_DATA":
            monkeypatch.delenv(name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with slow tests first where processes share them, so that none is left at the end."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)
