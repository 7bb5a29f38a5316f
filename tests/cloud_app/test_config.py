"""The configuration: the sample is complete, mistakes are named, secrets stay secret."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_app.cli import app
from cloud_app.config import SAMPLE, CloudConfig, load_config
from telemetry import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "cloud.toml"
    path.write_text(text)
    return path


def test_the_sample_holds_every_default() -> None:
    data = tomllib.loads(SAMPLE.read_text())
    assert CloudConfig(**data) == CloudConfig()
    for name, section in CloudConfig().model_dump(exclude_none=True).items():
        for key, value in section.items():
            is_list = isinstance(value, tuple)
            assert is_list or key in data[name], f"[{name}] {key} is not in the sample"


@pytest.mark.parametrize(
    ("part", "needs"),
    [
        pytest.param("broker.tls", "", id="broker.tls"),
        pytest.param("lake", "", id="lake"),
        pytest.param("lake.s3", "", id="lake.s3"),
        pytest.param("kafka", "", id="kafka"),
        pytest.param("kafka.source", '[kafka]\nbootstrap = "b:1"\n', id="kafka.source"),
    ],
)
def test_the_samples_commented_sections_work(tmp_path: Path, part: str, needs: str) -> None:
    lines = SAMPLE.read_text().splitlines()
    start = lines.index(f"# [{part}]")
    text = []
    for line in lines[start:]:
        if not line.startswith("# "):
            break
        text.append(line.removeprefix("# "))
    load_config(written(tmp_path, needs + "\n".join(text)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "[broker]\nhots = 'x'",
            "line 2, broker.hots: unknown.*'host'",
            id="unknown key",
        ),
        pytest.param(
            "[broker]\nport = 0",
            "line 2, broker.port = 0: expected",
            id="out of range",
        ),
        pytest.param("[broker", "invalid TOML", id="no TOML"),
        pytest.param("database = 'x'", "line 1, database: expected a table", id="no table"),
        pytest.param("[broker]\nport = 0\n[http]\nport = 0", "2 faults:", id="two"),
        pytest.param("[broker]\nhost = '10.0.0.9'", "beyond loopback", id="plaintext"),
        pytest.param("[http]\nhost = '0.0.0.0'", r"expected \[\[http.tokens\]\]", id="open door"),
        pytest.param("[database]\nurl = 'mysql://x'", "sqlite: or postgresql://", id="database"),
        pytest.param("[broker]\nprefix = 'a/+'", "identifiers joined", id="prefix"),
        pytest.param("[rules]\nlot_clear_at = 0.99", "at most 0.98", id="clear above full"),
        pytest.param("[lake]\nroll_s = 60", r"expected folder or \[lake.s3\]", id="no lake"),
        pytest.param(
            "[lake.s3]\nbucket = 'city'\nendpoint = 'http://10.0.0.1'", "expected https", id="S3"
        ),
        pytest.param(
            "[broker.tls]\nca_file = 'a'\ncert_file = 'b'", "belong together", id="half a pair"
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(written(tmp_path, text))
    assert "cloud.toml" in str(caught.value)


def test_a_wrong_secret_is_not_shown(tmp_path: Path) -> None:
    path = written(tmp_path, "[database]\nurl = 'mysql://root:hunter2@db/x'")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "hunter2" not in str(caught.value)


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "[lake]\nfolder = 'lake'\n[broker.tls]\nca_file='ca'"))
    assert config.lake is not None
    assert config.lake.folder == tmp_path / "lake"
    assert config.broker.tls is not None
    assert config.broker.tls.ca_file == tmp_path / "ca"
    assert config.database.url.get_secret_value() == f"sqlite:{tmp_path / 'cloud.db'}"


def test_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTSIGHT_CLOUD_BROKER__PASSWORD", "s3cret")
    monkeypatch.setenv("LOTSIGHT_CLOUD_BROKER__PORT", "2883")
    config = load_config(written(tmp_path, "[broker]\nport = 1884\nusername = 'u'"))
    assert config.broker.port == 2883
    assert config.broker.username == "u"
    assert config.broker.password is not None
    assert config.broker.password.get_secret_value() == "s3cret"


def test_the_commands(tmp_path: Path) -> None:
    runner = CliRunner()
    sample = runner.invoke(app, ["sample-config"])
    assert sample.output == SAMPLE.read_text()
    assert runner.invoke(app, ["--version"]).output.startswith("lotsight ")
    checked = runner.invoke(app, ["check-config", str(written(tmp_path, sample.output))])
    assert checked.exit_code == 0
    assert "ok" in checked.output
    made = runner.invoke(app, ["token", "city", "--site", "north", "--write"])
    config = load_config(written(tmp_path, made.output + "[http]\nhost = '0.0.0.0'\n"))
    [token] = config.http.tokens
    assert (token.name, token.sites, len(token.scopes)) == ("city", frozenset({"north"}), 2)
