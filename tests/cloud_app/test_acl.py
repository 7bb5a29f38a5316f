"""The access list on the page is the one that the command prints."""

from __future__ import annotations

from pathlib import Path

from cloud_app.acl import access_list

PAGES = Path(__file__).resolve().parents[2] / "docs"


def test_the_page_shows_what_the_command_prints() -> None:
    shown = (PAGES / "telemetry.md").read_text().split("```acl\n")[1].split("```")[0]
    assert shown == access_list([("edge-7", "north"), ("edge-21", "south")])


def test_no_box_is_given_more_than_one_site() -> None:
    for page in PAGES.glob("*.md"):
        for line in page.read_text().splitlines():
            is_box_rule = line.startswith(("pattern ", "topic ")) and "/v1/" in line
            assert not (line.startswith("pattern") and "/v1/+/" in line), page
            assert not (is_box_rule and "/v1/+/%" in line), page


def test_prefix_root_and_user_are_those_of_the_configuration() -> None:
    text = access_list([("b", "s")], "city/parking", "things-of-ours", "cloud")
    assert "user cloud\ntopic read city/parking/v1/+/+/#\n" in text
    assert "topic write city/parking/v1/s/b/event\n" in text
    assert text.endswith("topic readwrite things-of-ours/things/b/#\n")
