"""Configuration: the sample is the truth, faults name their place, secrets stay secret."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from edge_app.config import (
    EvidenceConfig,
    LotsightConfig,
    load_config,
    parse_config,
    render_reference,
    render_sample,
)
from edge_app.config.sample import settings
from telemetry import ConfigError
from telemetry.config_faults import key_lines
from vision.evidence import EvidenceSettings

REPO = Path(__file__).resolve().parents[2]
SAMPLE = files("edge_app").joinpath("sample.toml").read_text(encoding="utf-8")
EDGE = """\
[edge]
site = "s"
edge = "box"

"""
CAMERA = """\
[[camera]]
id = "north"
source = "rtsp://cam/1"
calibration_file = "north.json"
"""
LEAST = EDGE + CAMERA


def parsed(text: str) -> LotsightConfig:
    return parse_config(text, Path("/etc/lotsight/box.toml"))


# -- sample and documents --------------------------------------------------------------------------


def test_the_sample_is_what_the_settings_say() -> None:
    assert render_sample() == SAMPLE


def test_the_reference_is_what_the_settings_say() -> None:
    assert render_reference() in (REPO / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_the_sample_loads_and_holds_the_coded_defaults() -> None:
    """What the sample shows as a default is what a box without that line does."""
    required = {(each.section, each.key) for each in settings() if each.kind == "required"}
    raw = tomllib.loads(SAMPLE)
    least = {
        section: {key: value for key, value in table.items() if (section, key) in required}
        for section, table in raw.items()
        if isinstance(table, dict)
    }
    least["camera"] = [  # type: ignore[assignment]
        {key: value for key, value in raw["camera"][0].items() if ("camera", key) in required}
    ]
    path = Path("/etc/lotsight/box.toml")
    sample = parse_config(SAMPLE, path).model_dump()
    bare = LotsightConfig(**least).model_dump()  # type: ignore[arg-type]
    for dump in (sample, bare):  # the one difference meant: the sample's path became absolute
        dump["camera"][0]["calibration_file"] = "north.json"
    assert sample == bare


def test_each_setting_has_a_text_and_a_unit_where_it_is_a_number() -> None:
    units = ("_s", "_ms", "_px", "_hz", "_bytes", "_prob", "_confidence", "_norm", "_share",
             "_change", "_days", "_per_day")  # fmt: skip
    counts = {
        "port", "threads", "max_rows", "max_buffered", "max_pages", "receive_maximum",
        "in_flight_max", "seed", "jpeg_quality", "keep_revisions", "threshold_mm", "modulus",
        "capacity", "unit", "address", "full_at", "full_value", "closed_value", "unknown_value",
    }  # fmt: skip
    for each in settings():
        assert len(each.text) > 3, each
        if each.value.replace("_", "").replace(".", "").isdigit():
            assert each.key.endswith(units) or each.key in counts, each.key


def test_the_evidence_defaults_are_those_of_vision() -> None:
    mine, theirs = EvidenceConfig(), EvidenceSettings()
    for name in EvidenceConfig.model_fields:
        assert getattr(mine, name) == getattr(theirs, name), name


# -- loading ---------------------------------------------------------------------------------------


def test_the_least_file() -> None:
    config = parsed(LEAST)
    assert config.mqtt is None
    assert config.http.host == "127.0.0.1"
    assert config.camera[0].calibration_file == Path("/etc/lotsight/north.json")
    assert config.camera[0].stream_settings().interval_s == 1.0


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    text = LEAST.replace("rtsp://cam/1", "clips/a.mp4") + 'password_file = "pw"\nusername = "u"\n'
    (tmp_path / "pw").write_text("s3cret\n")
    (tmp_path / "box.toml").write_text(text + "[[camera]]\nid='b'\nsource='folder:pictures'\n"
                                       "calibration_file='/abs/b.json'\n")  # fmt: skip
    config = load_config(tmp_path / "box.toml")
    assert config.camera[0].source == str(tmp_path / "clips" / "a.mp4")
    assert config.camera[1].source == f"folder:{tmp_path}/pictures"
    assert config.camera[1].calibration_file == Path("/abs/b.json")
    login = config.camera[0].login
    assert login is not None
    assert (login.username, login.password) == ("u", "s3cret")


def test_the_link_is_named_by_the_edge_section() -> None:
    config = parsed(LEAST + '[mqtt]\nhost = "localhost"\n')
    assert config.mqtt is not None
    assert (config.mqtt.site, config.mqtt.edge) == ("s", "box")
    with pytest.raises(ConfigError, match=r"mqtt\.edge: belongs only in \[edge\]"):
        parsed(LEAST + '[mqtt]\nhost = "localhost"\nedge = "other"\n')


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOTSIGHT_HTTP__PORT", "9000")
    monkeypatch.setenv("LOTSIGHT_MQTT__HOST", "localhost")
    config = parsed(LEAST + "[http]\nport = 1\n[mqtt]\nhost = 'broker'\n")
    assert config.http.port == 9000
    assert config.mqtt is not None
    assert config.mqtt.host == "localhost"
    monkeypatch.setenv("LOTSIGHT_HTTP__PORT", "many")
    with pytest.raises(ConfigError, match=r"LOTSIGHT_HTTP__PORT.*'many'"):
        parsed(LEAST)


# -- secrets ---------------------------------------------------------------------------------------


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM", "hunter2")
    config = parsed(
        LEAST.replace("rtsp://cam/1", "rtsp://a:hunter2@cam/1")
        + 'username = "u"\npassword_env = "CAM"\n'
        + '[mqtt]\nhost = "localhost"\nusername = "u"\npassword = "hunter2"\n'
    )
    assert config.camera[0].login is not None
    assert config.camera[0].login.password == "hunter2"
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config.camera[0])


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param('password_file = "gone"', "line 9, camera[1].password_file", id="no-file"),
        pytest.param(
            'password_env = "NOT_SET_ANYWHERE"', "'NOT_SET_ANYWHERE' is not set", id="env"
        ),
        pytest.param('password = "a"\npassword_env = "HOME"', "more than once", id="twice"),
        pytest.param('password = "hunter2"', "password needs a username", id="no-user"),
        pytest.param("username = 'u'\npassword = 77123", "valid string", id="number"),
    ],
)
def test_secrets_that_are_wrong(line: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(LEAST + line + "\n")
    assert text in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "77123" not in str(caught.value)


# -- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            LEAST + "rate = 2\n",
            "line 9, camera[1].rate: unknown key; did you mean 'rate_hz'?",
            id="unknown-key",
        ),
        pytest.param(
            LEAST + "rate_hz = -2\n", "line 9, camera[1].rate_hz = -2: expected greater than 0",
            id="value",
        ),
        pytest.param(
            LEAST + 'decode = "fast"\n',
            "line 9, camera[1].decode = 'fast': expected 'auto', 'all' or 'key'", id="choice",
        ),
        pytest.param(
            LEAST.replace('site = "s"\n', ""), "line 1, edge.site: required, but missing",
            id="missing-key",
        ),
        pytest.param(EDGE, "at least one [[camera]], [[sensor]] or", id="no-camera"),
        pytest.param(
            LEAST.replace('"box"', '"no/slash"'), "line 3, edge.edge = 'no/slash'", id="identifier"
        ),
        pytest.param(LEAST + "[htpp]\nport = 1\n", "line 9, htpp: unknown key; did you mean 'http'",
                     id="section"),
        pytest.param(LEAST + CAMERA, "'north' is given twice", id="twice"),
        pytest.param(LEAST + "rate_hz = 0.01\n", "two frame intervals, 200 s", id="lost-after"),
        pytest.param(
            LEAST + '[http]\nhost = "0.0.0.0"\n', "is not loopback", id="open-port"
        ),
        pytest.param(
            LEAST + '[mqtt]\nhost = "broker.example"\n', "[mqtt.tls] is required", id="plaintext"
        ),
        pytest.param(
            LEAST + "[evidence]\nenter_prob = 0.2\n", "leave_prob < enter_prob", id="evidence"
        ),
        pytest.param("a = 1\nb = = 2\n", "line 2: invalid TOML: Invalid value", id="not-toml"),
        pytest.param("camera = []\n" + EDGE, "at least one [[camera]], [[sensor]]", id="empty"),
        pytest.param(LEAST + "[edge]\n", "invalid TOML", id="table-twice"),
    ],
)  # fmt: skip
def test_faults_name_line_key_and_value(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert str(caught.value).startswith("/etc/lotsight/box.toml: ")
    assert expected in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="2 faults") as caught:
        parsed(LEAST + "rate = 2\n[http]\nport = 0\n")
    assert "line 9, camera[1].rate" in str(caught.value)
    assert "line 11, http.port = 0" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot read this configuration file"):
        load_config(tmp_path / "gone.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.toml"):
        load_config(tmp_path / "binary.toml")


def test_lines_of_nested_tables() -> None:
    text = (
        "[[camera]]\nid = 1\n[camera.x]\na = 1\n[[camera]]\nid = 2\n[camera.x]\na = 2\n[m.n]\nb=1"
    )
    lines = key_lines(text)
    assert lines[("camera", 0, "x", "a")] == 4
    assert lines[("camera", 1, "id")] == 6
    assert lines[("camera", 1, "x", "a")] == 8
    assert lines[("m", "n", "b")] == 10
