"""The base map's file over HTTP: whole, by ranges, absent, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud_app.api.base_map_routes import check_base_map
from cloud_app.config import MapConfig, load_config
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import ConfigError
from tests.cloud_app.hub import TOKENS, Hub
from tests.cloud_app.web.base_map import write_base_map

FILE = "/api/v1/map/base.pmtiles"


def test_a_browser_reads_it_piece_by_piece(tmp_path: Path) -> None:
    file = tmp_path / "city.pmtiles"
    write_base_map(file, 13.4, 52.5)
    whole = file.read_bytes()
    database = SqliteDatabase(tmp_path / "cloud.db")
    hub = Hub(database, TOKENS, map=MapConfig(base_file=file, attribution="© the town"))
    with hub.client("all") as client:
        told = client.get("/api/v1/map/base").json()
        assert told == {"url": FILE, "attribution": "© the town"}
        head = client.get(FILE, headers={"Range": "bytes=0-126"})
        assert (head.status_code, head.content) == (206, whole[:127])
        assert head.headers["Content-Range"] == f"bytes 0-126/{len(whole)}"
        assert head.headers["ETag"]
        assert client.get(FILE).content == whole
        past = client.get(FILE, headers={"Range": f"bytes={len(whole)}-"})
        assert past.status_code == 416
        odd = client.get(FILE, headers={"Range": "bytes=z-"})
        assert odd.status_code in {400, 416}
        file.unlink()
        assert client.get("/api/v1/map/base").json() is None
        assert client.get(FILE).status_code == 404
        del client.headers["Authorization"]
        assert client.get(FILE).status_code == 401
    database.close()


def test_without_one_the_answer_is_null(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "cloud.db")
    with Hub(database).client() as client:
        assert client.get("/api/v1/map/base").json() is None
        assert client.get(FILE).status_code == 404
    database.close()


@pytest.mark.parametrize("content", [None, b"", b"PMTiles\x02", b"SQLite format 3\x00"])
def test_a_file_that_is_none_is_refused_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "city.pmtiles"
    if content is not None:
        file.write_bytes(content)
    config = tmp_path / "cloud.toml"
    config.write_text('[map]\nbase_file = "city.pmtiles"\n')
    settings = load_config(config)
    assert settings.map.base_file == file, "paths count from the file"
    with pytest.raises(ConfigError, match=r"map\.base_file: expected a PMTiles file"):
        check_base_map(settings.map)
