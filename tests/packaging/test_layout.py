"""What is shipped, what is exported, and who may import whom."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PAGES = [
    *(f"edge_app/http/static/{name}.html" for name in ("live", "status", "login")),
    *(f"{folder}/index.html" for folder in ("calibration/editor/static", "cloud_app/web")),
    "datasets/labelling/page/static/index.html",
]
SHIPPED = [
    "calibration", "cloud_app", "edge_app", "harvest", "http_server", "models", "pages",
    "sensors", "simulator", "telemetry", "vision",
]  # fmt: skip


@pytest.mark.parametrize("package", SHIPPED)
def test_package_is_typed(package: str) -> None:
    assert (REPO / package / "py.typed").is_file()


@pytest.mark.parametrize("package", [*SHIPPED, "datasets"])
def test_all_names_what_is_exported(package: str) -> None:
    module = importlib.import_module(package)
    source = (REPO / package / "__init__.py").read_text()
    imported = {
        alias.asname or alias.name
        for node in ast.parse(source).body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    declared = list(getattr(module, "__all__", []))
    assert declared == sorted(declared)
    assert set(declared) >= {name for name in imported if not name.startswith("_")}
    assert all(hasattr(module, name) for name in declared)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, built_pages: Path) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    env_path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, REPO],
        check=True,
        capture_output=True,
        env={"PATH": env_path},
    )
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_the_shipped_packages_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert sorted(top for top in tops if not top.endswith(".dist-info")) == SHIPPED
    assert not [name for name in names if name.endswith((".pt", ".jpg.orig"))]
    assert not [name for name in names if name.startswith("models/training")]
    pages = [name for name in names if name.startswith("cloud_app/web/") and name[-1] != "/"]
    assert "cloud_app/web/dist/index.html" in pages
    assert [name for name in pages if not name.startswith("cloud_app/web/dist/")] == []
    for needed in ("models/weights/", "models/probe/", "models/class_words.toml", "edge_app/http/",
                   "calibration/editor/"):  # fmt: skip
        assert any(name.startswith(needed) for name in names), needed


@pytest.mark.parametrize("command", ["train", "promote"])
def test_an_installed_lotsight_says_that_training_needs_a_checkout(
    command: str, wheel: Path, tmp_path: Path
) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = f"from edge_app.cli import main; import sys; sys.argv[1:] = ['{command}']; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"`lotsight {command}` needs a source checkout: 'models.training'" in done.stderr


def test_all_pages_show_one_logo() -> None:
    tracked = subprocess.check_output(["git", "ls-files", "*icon.svg"], cwd=REPO, text=True)
    assert tracked.split() == ["pages/shared/icon.svg"]
    for page in PAGES:
        text = (REPO / page).read_text()
        shown = re.findall(r'<(?:link rel="icon"|img)[^>]* (?:href|src)="([^"]*)"[^>]*>', text)
        names = [Path(path).name for path in shown if path.endswith(".svg")]
        assert names == ["icon.svg", "icon.svg"], f"{page}: icon and logo"


def test_edge_service_starts_without_the_dataset_tools() -> None:
    script = (
        "import sys, edge_app.service, edge_app.cli.main\n"
        "bad = sorted(m for m in sys.modules if m.split('.')[0] in"
        " {'datasets', 'cloud_app', 'torch', 'ultralytics'})\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_command_is_importable() -> None:
    from edge_app.cli.main import COMMANDS

    for name, (module_name, _) in COMMANDS.items():
        path = REPO / (module_name.replace(".", "/") + ".py")
        package = REPO / module_name.replace(".", "/") / "__init__.py"
        assert path.is_file() or package.is_file(), f"lotsight {name}: no module {module_name}"


def test_lock_names_no_registry_and_pins_every_package_by_hash() -> None:
    text = (REPO / "requirements.lock").read_text()
    assert "://" not in text
    requirements = [line for line in text.splitlines() if line[:1].isalnum()]
    assert requirements
    assert all("==" in line for line in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)


def test_lock_covers_the_declared_dependencies() -> None:
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    locked = {
        line.split("==")[0].split("[")[0].lower().replace("_", "-")
        for line in (REPO / "requirements.lock").read_text().splitlines()
        if line[:1].isalnum()
    }
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *extras["demo"],
        *extras["cloud"],
        *extras["kafka"],
        *extras["lake"],
        *extras["dev"],
    ]
    names = {
        w.split(">")[0].split("<")[0].split("[")[0].strip().lower().replace("_", "-")
        for w in wanted
    }
    assert names <= locked, sorted(names - locked)
