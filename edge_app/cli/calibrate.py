"""`lotsight calibrate SOURCE`: the editor on a camera, a clip, an image or a running edge."""

from __future__ import annotations

import getpass
import json
import re
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from calibration.editor import (
    ClipPictures,
    EditorSession,
    EditorSettings,
    LivePictures,
    NetworkJudge,
    PictureSource,
    StillPicture,
    VehicleProposer,
    create_editor_app,
    listen,
    serve_page,
)
from calibration.pictures import is_picture
from edge_app.addresses import register_address, shown, without_login
from edge_app.sources.feed import CameraFeed, FeedSettings
from edge_app.sources.trust import TlsTrust, parse_fingerprint
from models.options import LayoutOption, NamesOption, RolesOption
from telemetry import CameraError, Clock, ConfigError, SystemClock, is_identifier
from vision.detector import OnnxDetector
from vision.types import ImageBgr

app = typer.Typer(add_completion=False, help=__doc__)
console = Console(highlight=False, soft_wrap=True)

# A fixed first choice: the browser keeps drafts for the address, port included.
PORT = 8347
_FIRST_PICTURE_S = 20.0
_HEAD_BYTES = 4096


@app.command()
def calibrate(  # noqa: PLR0913, PLR0917 - options of a command
    source: Annotated[
        str,
        typer.Argument(
            help="A video, an image, rtsp://..., snapshot+http://..., usb:0, or the address of a "
            "running edge service (http://127.0.0.1:8080)."
        ),
    ],
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Calibration file; default: NAME.calibration.json, named after the source."
        ),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Camera id for a new file.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Model for live check and proposals; 'none' for none.")
    ] = None,
    port: Annotated[int, typer.Option(help="Loopback port; 0 picks a free one.")] = PORT,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    propose: Annotated[bool, typer.Option(help="Start with proposed bays.")] = False,
    tls_fingerprint: Annotated[
        str, typer.Option(help="https, rtsps: SHA-256 fingerprint of the camera's certificate.")
    ] = "",
    layout: LayoutOption = None,
    names: NamesOption = None,
    roles: RolesOption = None,
) -> None:
    """Open the calibration editor."""
    register_address(source)
    edge = edge_editor(source)
    if edge is not None:
        _show(edge, browser)
        return
    path = calibration or default_path(source)
    name = camera or _camera_of(path)
    with open_pictures(source, _trust(tls_fingerprint)) as pictures:
        detector = open_model(model, layout, names, roles or ())
        judge = NetworkJudge(detector) if detector else None
        proposer = VehicleProposer(detector) if detector else None
        session = EditorSession(name, pictures, path, judge, proposer)
        _serve(session, path, port, browser=browser, propose=propose)


def _trust(fingerprint: str) -> TlsTrust:
    try:
        return TlsTrust(parse_fingerprint(fingerprint) if fingerprint else "")
    except ValueError as exc:
        msg = f"--tls-fingerprint: {exc}"
        raise ConfigError(msg) from exc


def edge_editor(source: str) -> str | None:
    """Address of the editor of the running edge service at `source`; None if there is none."""
    if not re.match(r"^https?://", source):
        return None
    import httpx

    # A login in the address is a camera's: the service asks for its own on its page.
    base = without_login(source)[0].rstrip("/").removesuffix("/calibrate")
    try:
        # What answers here as an editor is one: a camera's stream has no such page.
        with (
            httpx.Client(timeout=5, trust_env=False, follow_redirects=True) as client,
            client.stream("GET", f"{base}/calibrate/") as answer,
        ):
            if answer.status_code in {401, 403}:
                found = "lotsight" in answer.headers.get("WWW-Authenticate", "")
            else:
                # A service behind a login sends its login page, which leads to the editor.
                head = next(answer.iter_bytes(_HEAD_BYTES), b"")
                found = answer.is_success and b"lotsight" in head
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return None
    return f"{base}/calibrate/" if found else None


def default_path(source: str) -> Path:
    """Where the calibration of a source lies unless told: beside a file, else in this folder."""
    file = Path(source)
    if file.exists():
        return file.with_name(f"{file.stem}.calibration.json")
    name = re.sub(r"[^A-Za-z0-9]+", "-", re.sub(r"^\w+://", "", shown(source))).strip("-")
    return Path(f"{name[:40] or 'camera'}.calibration.json")


def _camera_of(path: Path) -> str:
    if path.exists():
        try:
            known = json.loads(path.read_bytes())["camera"]
        except (OSError, ValueError, KeyError, TypeError):
            known = None  # damaged; loading it says how
        if isinstance(known, str) and is_identifier(known):
            return known
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", path.name.split(".")[0]).strip("-_.")
    return name[:64] or "camera"


@contextmanager
def open_pictures(source: str, trust: TlsTrust | None = None) -> Iterator[PictureSource]:
    """The images of a source; a camera is read in the background while the context is open.

    Raises:
        ConfigError: no source is called like this.
        CameraError: the file cannot be decoded, or the camera gives no image.
    """
    file = Path(source).expanduser()
    if file.is_file():
        yield StillPicture(file) if is_picture(file) else ClipPictures(file)
        return
    if "://" not in source and not source.startswith(("usb:", "folder:", "sim:")):
        msg = (
            f"source: expected a file or the address of a camera, but {shown(source)} does not "
            "exist"
        )
        raise ConfigError(msg)
    with _camera(source, trust or TlsTrust()) as pictures:
        yield pictures


class NewestPicture:
    """The newest image of a camera that is read in the background; called by many threads."""

    def __init__(self, feed: CameraFeed) -> None:
        """Take images from `feed`."""
        self._feed = feed
        self._lock = threading.Lock()
        self._image_bgr: ImageBgr | None = None

    def __call__(self) -> ImageBgr | None:
        """The newest image; None before the first."""
        with self._lock:
            frame = self._feed.take()
            if frame is not None:
                self._image_bgr = frame.image_bgr
            return self._image_bgr

    def wait(self, longest_s: float, clock: Clock) -> None:
        """Wait for the first image.

        Raises:
            CameraError: none came in time; says why.
        """
        until_s = clock.mono_s() + longest_s
        while self() is None:
            status = self._feed.status()
            if status.ended or clock.mono_s() > until_s:
                msg = f"expected an image within {longest_s:g} s, but got none: "
                raise CameraError(msg + (status.error or "the camera responds, but sends no data"))
            clock.sleep(0.05)


@contextmanager
def _camera(source: str, trust: TlsTrust) -> Iterator[LivePictures]:
    from edge_app.sources.factory import make_source
    from edge_app.sources.stream_settings import StreamSettings

    clock = SystemClock()
    feed = CameraFeed(
        "camera",
        lambda: make_source(source, StreamSettings(trust=trust), clock),
        FeedSettings(),
        clock,
    )
    newest = NewestPicture(feed)
    feed.start()
    try:
        with console.status(f"waiting for an image from {escape(shown(source))}"):
            newest.wait(_FIRST_PICTURE_S, clock)
        yield LivePictures(shown(source), newest)
    finally:
        feed.stop()


def open_model(
    model: str | None,
    layout: str | None = None,
    names: str | None = None,
    roles: Sequence[str] = (),
) -> OnnxDetector | None:
    """The network that looks at the images; None when `model` is 'none'.

    Args:
        model: name or path; None: the default one.
        layout: see `models.parse_hints`, like the others.
        names: of its classes.
        roles: of its classes.

    Raises:
        ModelError: there is no such model, or it cannot be opened.
    """
    from models import choose_model, explain_model, open_detector, parse_hints

    if model == "none":
        return None
    entry = choose_model(model, parse_hints(layout, names, roles))
    detector = open_detector(entry)
    for line in explain_model(entry, detector):
        console.print(f"[dim]{escape(line)}[/]")
    return detector


def _serve(session: EditorSession, path: Path, port: int, *, browser: bool, propose: bool) -> None:
    listener = listen(port, PORT)
    port = listener.getsockname()[1]
    author = getpass.getuser()
    editor = create_editor_app(
        lambda: [session],
        EditorSettings(
            author_of=lambda _request: author,
            hosts={f"127.0.0.1:{port}", f"localhost:{port}"},
            saved=lambda _camera, saved: console.print(
                f"saved {path} as revision {saved.revision}, {len(saved.bays)} bays"
            ),
        ),
    )
    url = f"http://127.0.0.1:{port}/" + ("?propose=1" if propose else "")
    console.print(f"calibrating [bold]{session.camera}[/] into {path}")
    serve_page(editor, listener, lambda: _show(url, browser))


def _show(url: str, browser: bool) -> None:
    console.print(f"editor: [bold]{url}[/] (Ctrl+C to stop)")
    if browser:
        webbrowser.open(url)
