"""A box on its page: a still on demand, commands and their life, settings with what they change."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import ViewportSize, expect

from cloud_app.config import FleetConfig
from cloud_app.fleet.authority.issuing import Order
from cloud_app.fleet.authority.own_issuer import OwnIssuer, initialise
from cloud_app.fleet.authority.x509 import Profile, new_key
from cloud_app.fleet.commands import CommandFilter, listed
from cloud_app.fleet.progress import take_due
from cloud_app.fleet.worker import FleetWorker
from cloud_app.ingest.decode import Inbound
from cloud_app.storage.times import to_ms
from edge_app.remote_settings import RemoteSettings
from telemetry import EdgeTopics, TopicKind
from telemetry.aws import ShadowName, ShadowTopics
from telemetry.commands import CommandPart, CommandResult, CommandStatus
from telemetry.health import CameraHealth, Health, OutboxHealth
from telemetry.shadow import JsonObject, ShadowUpdate
from tests.cloud_app.test_command_routes import Wire
from tests.cloud_app.test_intake import take
from tests.cloud_app.web.conftest import DESKTOP, PHONE, OpenPage
from tests.cloud_app.web.town import Town
from tests.kit.axe import serious_findings
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.chromium]

BOX = """
[edge]
site = "harbour"
edge = "quay-1"
state_dir = "state"
[mqtt]
host = "localhost"
port = 1883
[[camera]]
id = "mast"
source = "sim:day"
calibration_file = "n.json"
"""


class Quay:
    """The box quay-1, played by the test with the box's own code for settings."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town, self.file = town, folder / "box.toml"
        self.file.write_text(BOX)
        self.settings = RemoteSettings(self.file)
        self.settings.run_by(lambda _why: None, tuple)
        self._worker = FleetWorker(
            town.hub.database, Wire(), FleetConfig(), "pk", None, town.hub.clock, lambda: True
        )
        self.say(ShadowName.CLASSIC, {"settings_schema": self.settings.schema()})
        self.say(ShadowName.CONFIG, self.settings.report())

    def say(self, name: ShadowName, reported: JsonObject) -> None:
        update = ShadowUpdate(reported=reported, sections=frozenset({"reported"}))
        self.town.hub.shadows.update(ShadowTopics("quay-1", name), update)

    def next_command(self, name: str) -> str:
        """Wait for a command, as a box does for its messages."""

        def waiting() -> list[str]:
            wanted = CommandFilter(edge="quay-1", is_open=True)
            with self.town.hub.database.read() as session:
                return [each.id for each in listed(session, wanted) if each.name == name]

        eventually(lambda: bool(waiting()), name, 20)
        with self.town.hub.database.write() as session:
            take_due(session, self.town.hub.context.now().now_ms)
        return waiting()[0]

    def answer(self, name: str, status: CommandStatus, detail: str = "", data: bytes = b"") -> None:
        part = None
        if data:
            part = CommandPart(
                name="a.jpg", media_type="image/jpeg", number=1, parts=1,
                sha256=hashlib.sha256(data).hexdigest(), data=base64.b64encode(data).decode(),
            )  # fmt: skip
        body = CommandResult(id=name, status=status, at=self.town.now, detail=detail, part=part)
        topic = EdgeTopics("harbour", "quay-1").command_result(name)
        self._worker.take(str(topic), body.encode())


@pytest.fixture
def quay(town: Town, tmp_path: Path) -> Quay:
    return Quay(town, tmp_path)


def test_a_still_and_commands(town: Town, quay: Quay, open_page: OpenPage) -> None:
    watched = open_page(bypass_csp=True)
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/edges/quay-1")
    page.get_by_role("button", name="Still image of mast").click()
    dialog = page.get_by_role("dialog")
    name = quay.next_command("camera_still")
    image = np.full((48, 64, 3), 90, np.uint8)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    quay.answer(name, CommandStatus.RUNNING, data=jpeg)
    quay.answer(name, CommandStatus.DONE)
    picture = dialog.get_by_role("img", name="What camera mast sees now")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 64
    assert serious_findings(page) == []
    dialog.get_by_role("button", name="Close").click()

    commands = page.get_by_role("region", name="Commands")
    commands.get_by_role("button", name="Restart service").click()
    page.get_by_role("button", name="Restart", exact=True).click()
    row = commands.get_by_role("row", name="Restart service")
    expect(row).to_contain_text("ada@kerb.example")
    quay.answer(quay.next_command("restart_service"), CommandStatus.FAILED, "the box restarted")
    expect(row).to_contain_text("failed")
    expect(row).to_contain_text("the box restarted")
    commands.get_by_role("button", name="Recent log").click()
    quay.answer(quay.next_command("recent_logs"), CommandStatus.RUNNING, data=b"a line")
    logs = commands.get_by_role("row", name="Recent log")
    expect(logs).to_contain_text("running")
    with town.hub.database.read() as session:
        [log] = listed(session, CommandFilter(edge="quay-1", is_open=True))
    quay.answer(log.id, CommandStatus.DONE)
    expect(logs.get_by_role("link", name="File: Recent log")).to_be_visible()
    assert watched.complaints == []


def test_a_bay_is_judged_by_eye_on_the_page_of_its_lot(
    town: Town, quay: Quay, open_page: OpenPage
) -> None:
    camera = CameraHealth(camera="mast", up=True, by_eye=("q02", "q04"))
    message = Health(
        at=town.now + timedelta(seconds=1), uptime_s=9.0, cameras=(camera,),
        outbox=OutboxHealth(rows=0, bytes=0),
    )  # fmt: skip
    topic = str(EdgeTopics("harbour", "quay-1").of(TopicKind.HEALTH))
    said = Inbound(topic, message.encode(), False, to_ms(town.now))
    take(town.hub.database, [said])
    watched = open_page(bypass_csp=True)
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/lots/harbour/quay")
    asked = page.get_by_role("region", name="Judge by eye").first
    expect(asked).to_contain_text("these 2 bays contradicts itself")
    asked.get_by_role("button", name="q02").click()
    panel = page.get_by_role("complementary", name="Bay q02").get_by_role(
        "region", name="Judge by eye"
    )
    assert serious_findings(page) == []
    panel.get_by_role("button", name="Vehicle in it").click()
    expect(panel.get_by_role("status")).to_have_text("waiting")
    name = quay.next_command("confirm_bay")
    with town.hub.database.read() as session:
        [command] = listed(session, CommandFilter(ids=[name]))
    assert command.args == {"bay": "q02", "occ": True}
    assert (command.expires - command.issued).total_seconds() == 60
    quay.answer(name, CommandStatus.DONE)
    expect(panel.get_by_role("status")).to_have_text(
        "Thank you. The box uses your answer from now on."
    )
    expect(asked.get_by_role("button", name="q02")).to_have_count(0)
    expect(asked).to_contain_text("this bay contradicts itself")
    assert watched.complaints == []
    viewer = town.let_in(open_page().page, town.viewer)
    viewer.goto(f"{town.url}/lots/harbour/quay?bay=quay-1/q04")
    expect(viewer.get_by_role("complementary", name="Bay q04")).to_be_visible()
    expect(viewer.get_by_role("region", name="Judge by eye")).to_have_count(0)


def test_settings_are_changed_with_a_look_at_what_changes(
    town: Town, quay: Quay, open_page: OpenPage
) -> None:
    watched = open_page()
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/edges/quay-1")
    card = page.get_by_role("region", name="Settings", exact=True)
    expect(card.get_by_role("region", name="Evidence")).to_contain_text("Enter hold")
    card.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Evidence", exact=True).click()
    hold = dialog.get_by_label("Enter hold")
    hold.fill("-1")
    expect(dialog.get_by_role("alert")).to_have_text("Expected 0 … ∞")
    expect(dialog.get_by_role("button", name="Review")).to_be_disabled()
    hold.fill("6.5")
    dialog.get_by_role("button", name="Review 1 changes").click()
    expect(dialog.get_by_role("row", name="Evidence: Enter hold")).to_contain_text("6.5")
    dialog.get_by_role("button", name="Try it out").click()
    expect(card.get_by_role("status")).to_contain_text("asked for")
    differs = page.get_by_role("region", name="Shadow").get_by_role("row").nth(1)
    expect(differs).to_contain_text("differs")

    document = town.hub.shadows.document(ShadowTopics("quay-1", ShadowName.CONFIG))
    quay.settings.follow(document.desired)
    RemoteSettings(quay.file)  # it starts, and dies
    quay.settings = RemoteSettings(quay.file)
    quay.settings._undo("within 300 s: no answer from the cloud")
    quay.say(ShadowName.CONFIG, quay.settings.report())
    expect(card.get_by_role("status")).to_contain_text("rolled back")
    expect(card.get_by_role("status")).to_contain_text("no answer from the cloud")
    assert watched.complaints == []


@pytest.mark.parametrize(
    ("theme", "size"), [("light", PHONE), ("dark", DESKTOP)], ids=["light-phone", "dark-desktop"]
)
def test_no_serious_finding(
    town: Town, quay: Quay, open_page: OpenPage, theme: str, size: ViewportSize
) -> None:
    quay.say(ShadowName.MODEL, {"name": "m"})
    page = town.let_in(open_page(size, theme, bypass_csp=True).page)
    page.goto(f"{town.url}/edges/quay-1")
    card = page.get_by_role("region", name="Settings", exact=True)
    card.get_by_role("button", name="Change").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Evidence", exact=True).click()
    expect(dialog.get_by_label("Enter hold")).to_be_visible()
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_certificate_of_a_box_and_its_revocation(town: Town, open_page: OpenPage) -> None:
    now_ms = town.hub.context.now().now_ms
    with town.hub.database.write() as session:
        initialise(session, new_key(), "root", now_ms)
        made = [
            OwnIssuer().issue(
                session,
                Order(Profile.BOX, "quay-1", new_key().public_key(), timedelta(180), "harbour"),
                by,
                now_ms + after_ms,
            )
            for by, after_ms in (("code c1", 0), ("box quay-1", 60_000))
        ]
    watched = open_page(bypass_csp=True)
    page = town.let_in(watched.page)
    page.goto(f"{town.url}/edges/quay-1")
    card = page.get_by_role("region", name="Certificate")
    expect(card).to_contain_text(made[1].serial)
    for text in ("Renewed", "box quay-1", "First issued", "code c1", "Valid until"):
        expect(card).to_contain_text(text)
    card.get_by_role("button", name="Revoke").click()
    assert serious_findings(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(card.locator(".badge")).to_have_text("revoked", ignore_case=True)
    expect(card).to_contain_text("ada@kerb.example")
    expect(card.get_by_role("button", name="Revoke")).to_have_count(0)
    assert serious_findings(page) == []
    assert watched.complaints == []
