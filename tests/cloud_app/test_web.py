"""How the pages' files are served, and what is said where they are not built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cloud_app.api import web
from cloud_app.api.policy import Permission
from cloud_app.api.route_permissions import RouteTable
from tests.cloud_app.hub import serving

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As a build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>pages</title>")
    (tmp_path / "boot.js").write_text("1")
    (tmp_path / "assets" / "main-abc.js").write_text("2")
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    app = FastAPI()
    web.mount(app, folder)
    with serving(app) as url, httpx.Client(base_url=url) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/", "/login", "/login.html", "/lots/north/p1", "/alerts/7"])
def test_every_address_of_a_page_gets_the_document(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "<title>pages" in answer.text


def test_files_named_by_their_content_are_kept(client: httpx.Client) -> None:
    kept = client.get("/assets/main-abc.js")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert client.get("/boot.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/nowhere", "/assets/main-old.js", "/api/v1/nothing"])
def test_what_is_no_page_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_pages_that_are_not_built_say_so(tmp_path: Path) -> None:
    app = FastAPI()

    @app.get("/api/v1/sites")
    def sites() -> list[str]:
        return ["north"]

    web.mount(app, tmp_path / "dist")
    with serving(app) as url, httpx.Client(base_url=url) as client:
        answer = client.get("/")
        sites_told = client.get("/api/v1/sites").json()
    assert answer.status_code == 503
    assert "run `scripts/pages build`" in answer.text
    assert sites_told == ["north"]


def test_pages_hold_no_data_so_everybody_may_load_them(folder: Path) -> None:
    table = RouteTable(web.files(folder), is_page=web.is_page)
    for path in ("/", "/lots/a/b", "/boot.js", "/assets/main-abc.js", "/login.html"):
        assert table.methods(path) == {"GET": Permission.PUBLIC}, path
    for path in ("/lotsa", "/api/v1/nothing", "/assets/other.js", "//lots"):
        assert table.methods(path) == {}, path


def test_each_place_of_the_navigation_is_served() -> None:
    text = (REPO / "cloud_app" / "web" / "src" / "app" / "nav.ts").read_text()
    places = re.findall(r"href: '([^']+)'", text)
    assert len(places) > 5
    assert [place for place in places if not web.is_page(place)] == []


def test_a_build_names_no_other_host(built_pages: Path) -> None:
    document = (built_pages / "index.html").read_text()
    assert "://" not in document
    assert "<style" not in document
    assert not re.search(r"<script(?![^>]* src=)", document)
    assert {"/boot.js"} <= web.files(built_pages)
