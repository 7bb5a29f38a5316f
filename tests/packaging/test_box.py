"""What is installed on a box: its lock, what the image is built from, and the unit's promises."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
DEPLOY = REPO / "deploy"
LOCK = DEPLOY / "requirements.lock"


def _names(lock: Path) -> set[str]:
    lines = lock.read_text().splitlines()
    return {line.split("==")[0] for line in lines if line[:1].isalnum()}


def _stages() -> list[str]:
    return re.split(r"(?m)^FROM ", (DEPLOY / "Dockerfile").read_text())[1:]


def _copied_from_the_checkout() -> list[str]:
    copies = re.findall(r"(?m)^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text())
    return [name for copy in copies for name in copy.split()[:-1]]


def test_the_boxes_lock_is_what_the_lock_says() -> None:
    done = subprocess.run(
        [sys.executable, DEPLOY / "box_lock.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_stale_lock_is_noticed(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "requirements.lock", "deploy/box_lock.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((REPO / name).read_text())
    kept = LOCK.read_text().splitlines(keepends=True)
    (tmp_path / "deploy" / "requirements.lock").write_text("".join(kept[:-1]))
    done = subprocess.run(
        [sys.executable, tmp_path / "deploy" / "box_lock.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "run deploy/box_lock.py" in done.stderr


def test_no_tool_of_ours_goes_onto_a_box() -> None:
    names = _names(LOCK)
    assert {"onnxruntime", "opencv-python-headless", "paho-mqtt"} <= names
    assert not names & {"mypy", "pytest", "playwright", "dask", "amqtt", "psycopg", "uv-build"}


def test_the_image_is_built_from_what_exists_and_is_not_ignored() -> None:
    patterns = [
        line for line in (REPO / ".dockerignore").read_text().splitlines() if line[:1] not in "#"
    ]
    sources = _copied_from_the_checkout()
    assert sources
    for source in sources:
        assert (REPO / source).exists(), source
        ignored = False
        for pattern in patterns:
            shown = pattern.removeprefix("!")
            if fnmatch.fnmatch(source.rstrip("/"), shown):
                ignored = not pattern.startswith("!")
        assert not ignored, source


def test_the_image_holds_every_package_of_the_wheel() -> None:
    from tests.packaging.test_layout import SHIPPED

    assert {f"{name}/" for name in SHIPPED} <= set(_copied_from_the_checkout())


def test_what_builds_does_not_reach_the_image() -> None:
    build, image = _stages()
    assert "pip" in build
    assert "pip" not in image
    assert "USER 10001:10001" in image


@pytest.mark.parametrize("name", ["try_unit", "unit_promises"])
def test_scripts_are_sound_bash(name: str) -> None:
    done = subprocess.run(
        ["bash", "-n", DEPLOY / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_unit_is_installed_by_what_its_comment_says() -> None:
    """`deploy/try_unit` runs these lines; it finds them by their first and last."""
    text = (DEPLOY / "lotsight.service").read_text()
    steps = re.search(r"Installed by hand.*?systemctl enable --now lotsight", text, re.DOTALL)
    assert steps is not None
    lines = re.findall(r"(?m)^#   (.+)$", steps[0])
    assert [line.split()[0] for line in lines] == [
        "useradd", "python3", "/opt/lotsight/bin/pip", "/opt/lotsight/bin/pip",
        "install", "install", "install", "systemctl",
    ]  # fmt: skip
