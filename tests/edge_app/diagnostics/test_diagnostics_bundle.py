"""The diagnostics bundle and the downloads of a running service: all is there, no secret is."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from calibration import Bay, Calibration, save_calibration
from edge_app.assembly import app_of, assemble
from edge_app.cli.diagnose import app as diagnose
from edge_app.cli.harvest import app as harvest
from edge_app.config import load_config
from edge_app.diagnostics.store_reader import read_store
from edge_app.harvest.store import open_store
from edge_app.logs import set_up_logging
from edge_app.redaction import mask_secrets
from edge_app.service import EdgeService
from harvest import read_bundle
from tests.edge_app.harvest.bench import Bench
from tests.kit.waiting import eventually
from tests.kit.web import serving

CONFIG = """
[edge]
site = "mall"
edge = "box-1"
state_dir = "state"

[http]
password = "opensesame"

[mqtt]
host = "localhost"
port = 1
username = "box-1"
password = 'mqtt"s/ecret'

[audit]
enabled = false

[harvest]
enabled = true

[[camera]]
id = "north"
source = "picture.png"
calibration_file = "north.json"

[[camera]]
id = "south"
source = "rtsp://viewer:h1dden@127.0.0.1:1/stream?token=t0psecret"
calibration_file = "south.json"
username = "viewer"
password = "cam-pass"
"""
SECRETS = ("opensesame", 'mqtt"s/ecret', "mqtt\\\"s", "mqtt%22s%2Fecret", "h1dden", "t0psecret",
           "cam-pass")  # fmt: skip
OUTLINE = ((0.1, 0.3), (0.3, 0.3), (0.3, 0.7), (0.1, 0.7))


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "picture.png"), np.full((240, 320, 3), 120, np.uint8))
    path = tmp_path / "box.toml"
    path.write_text(CONFIG)
    calibration = Calibration(
        camera="north", image_wh=(320, 240), bays=(Bay(id="A01", polygon=OUTLINE),)
    )
    save_calibration(tmp_path / "north.json", calibration, author="ina")
    return path


@pytest.fixture
def page(config_file: Path) -> Iterator[httpx.Client]:
    config = load_config(config_file)
    set_up_logging(config.log, io.StringIO())
    box = assemble(config)
    service = EdgeService(box.parts)

    def has_picture() -> bool:
        view = box.live_state.latest("north")
        return view is not None and view.frame is not None

    with serving(app_of(box)) as url, httpx.Client(base_url=url, timeout=60) as client:
        try:
            service.start()
            eventually(has_picture, "a picture")
            yield client
        finally:
            service.stop()


def parts(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        found = {}
        for member in opened:
            content = opened.extractfile(member)
            assert content is not None
            found[member.name.removeprefix("lotsight-diagnostics/")] = content.read()
    return found


def keep_frames(config_file: Path, count: int) -> None:
    """Frames as a service would have kept them."""
    config = load_config(config_file)
    bench = Bench(config.edge.state_dir / "harvest", config.harvest)
    for _ in range(count):
        bench.show(bench.look((0.55, 0.01)))


def test_the_running_service_gives_everything_but_secrets(
    page: httpx.Client, config_file: Path
) -> None:
    assert page.get("/api/v1/diagnostics.tar.gz").status_code == 401
    assert page.get("/api/v1/harvest.tar.gz").status_code == 401
    page.headers["Authorization"] = "Bearer opensesame"
    answer = page.get("/api/v1/diagnostics.tar.gz")
    assert answer.status_code == 200
    assert "box-1-diagnostics-" in answer.headers["content-disposition"]
    found = parts(answer.content)
    assert sorted(found) == [
        "about.json", "calibrations/north.json", "calibrations/south.json", "checks.json",
        "config.json", "log.txt", "metrics.txt", "states.json", "status.json", "store.json",
        "versions.json",
    ]  # fmt: skip
    everything = b"".join(found.values()).decode()
    for secret in SECRETS:
        assert secret not in everything
    assert json.loads(found["status.json"])["cameras"].keys() == {"north", "south"}
    assert b"lotsight_" in found["metrics.txt"]
    assert "edge box box-1" in found["log.txt"].decode()
    assert json.loads(found["store.json"])["files_bytes"]["store.db"] > 0
    assert any(check["what"] == "model" for check in json.loads(found["checks.json"]))
    folder = load_config(config_file).edge.state_dir
    assert folder.parent == config_file.parent
    until_s = time.monotonic() + 10
    while list(folder.glob(".download-*")):  # it goes once the answer was sent
        assert time.monotonic() < until_s, "a download stayed"
        time.sleep(0.02)

    pictured = parts(page.get("/api/v1/diagnostics.tar.gz?pictures=true").content)
    assert pictured["pictures/north.jpg"][:2] == b"\xff\xd8"
    assert page.get("/api/v1/harvest.tar.gz").status_code == 404


def test_the_command_works_while_nothing_runs(config_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "d.tar.gz"
    arguments = ["--config", str(config_file), "--out", str(out), "--with-pictures"]
    result = CliRunner().invoke(diagnose, arguments)
    assert result.exit_code == 0, result.output
    assert out.stat().st_mode & 0o777 == 0o600
    found = parts(out.read_bytes())
    assert "pictures/north.jpg" in found
    assert "pictures/south.jpg" not in found
    checks = {check["what"]: check["level"] for check in json.loads(found["checks.json"])}
    assert checks["camera south"] == "bad"
    everything = b"".join(found.values()).decode(errors="replace")
    for secret in SECRETS:
        assert secret not in everything


def test_a_secret_of_the_configuration_is_known_in_every_form(config_file: Path) -> None:
    load_config(config_file)
    text = "log: cam-pass, mqtt%22s%2Fecret, rtsp://a:b@h/x"
    assert mask_secrets(text) == "log: ***, ***, rtsp://a:***@h/x"


def test_the_store_of_a_stopped_service_is_counted(config_file: Path) -> None:
    box = assemble(load_config(config_file))
    box.store.close()
    stored = read_store(box.config.edge.state_dir)
    assert stored.facts["check"] == "ok"
    assert sum(stored.facts["rows"].values()) > 0
    assert stored.states is not None
    assert [(state["bay"], state["occ"], state["reason"]) for state in stored.states] == [
        ("A01", None, "starting")
    ]
    assert stored.facts["outbox"]["refused"] == 0
    assert stored.facts["stream"]["epoch"] == box.store.epoch


def test_a_damaged_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database at all" * 100)
    stored = read_store(tmp_path)
    assert "not a database" in stored.facts["fault"]
    assert stored.states is None
    assert not stored.in_use


def test_kept_frames_are_listed_packed_and_deleted(config_file: Path, tmp_path: Path) -> None:
    keep_frames(config_file, 2)
    given = ["--config", str(config_file)]
    listed = CliRunner().invoke(harvest, ["list", *given])
    assert listed.exit_code == 0
    assert "uncertain" in listed.output
    assert "2 frames" in listed.output
    out = tmp_path / "north.tar.gz"
    assert CliRunner().invoke(harvest, ["bundle", *given, "--out", str(out)]).exit_code == 0
    assert len(read_bundle(out).manifest.frames) == 2
    store = open_store(load_config(config_file))
    purged = CliRunner().invoke(harvest, ["purge", *given, "--yes"])
    assert "2 frames deleted" in purged.output
    assert store.frames() == (), "what another process deleted is forgotten"
    empty = CliRunner().invoke(harvest, ["bundle", *given, "--out", str(out)])
    assert "expected kept frames" in str(empty.exception)
