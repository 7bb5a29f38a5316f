"""`lotsight provision`: a new box gets its certificate, its name and its broker."""

from __future__ import annotations

import platform
import time
import tomllib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge_app.config.reading import state_dir_of
from edge_app.config.settings import DEFAULT_STATE_DIR
from edge_app.provisioning import enrolment
from edge_app.provisioning.cloud import Cloud, Trust, fetch_authority
from edge_app.provisioning.enrolment import Wishes, clock_text, cloud_of
from edge_app.provisioning.identity import IdentityFolder
from edge_app.provisioning.keys import PUBLIC_MODE, write_file
from edge_app.version import software
from telemetry import ConfigError
from telemetry.provisioning import Home

app = typer.Typer(add_completion=False)

_NEW_FILE = """# Written by `lotsight provision`. Name, site and broker of this box stand in
# {folder}; `lotsight check-config --print-sample` shows
# every other setting.

[edge]
state_dir = "{state_dir}"

# Draw the bays with `lotsight calibrate rtsp://camera/stream --calibration north.json`, then:
# [[camera]]
# id = "north"
# source = "rtsp://camera/stream"
# calibration_file = "north.json"
"""


@app.command()
def provision(  # noqa: PLR0913, PLR0917 - options
    cloud: Annotated[
        str | None, typer.Option("--cloud", help="Address of the cloud, https://HOST.")
    ] = None,
    code: Annotated[
        str | None, typer.Option("--code", help="One-time code; without one a person approves.")
    ] = None,
    trust: Annotated[
        str | None,
        typer.Option("--trust", help="Fingerprint of the cloud's own authority, as it shows it."),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", help="PEM of who vouches for the cloud's address.")
    ] = None,
    edge: Annotated[str | None, typer.Option("--edge", help="Name that the box wants.")] = None,
    site: Annotated[
        str | None, typer.Option("--site", help="Without a code: where the box wants to belong.")
    ] = None,
    config_file: Annotated[
        Path, typer.Option("--config", "-c", help="Configuration file, made if there is none.")
    ] = Path("box.toml"),
    state_dir: Annotated[
        Path | None, typer.Option("--state-dir", help="State folder, for a new file.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Forget the identity that the box has.")
    ] = False,
    renew: Annotated[bool, typer.Option("--renew", help="Get the next certificate now.")] = False,
) -> None:
    """Make the box's key, which never leaves it, and get the certificate for it.

    Interrupted at any moment, the same line may simply be run again.
    """
    folder = IdentityFolder.of(_state_dir(config_file, state_dir))
    known = folder.home()
    if renew:
        _renew(folder, known)
        return
    if known is not None and not again:
        _say(f"this box is {known.edge} at {known.site} already; --again makes it a new one")
        _finish(folder, known, config_file)
        return
    if cloud is None:
        msg = "expected --cloud https://HOST, and a --code where you have one"
        raise ConfigError(msg)
    if again:
        folder.begin_again()
    server = Cloud(cloud, _trust(folder, cloud, trust, ca_file))
    wishes = Wishes(edge, site, f"lotsight {software()} on {platform.machine()}"[:128])
    try:
        if code is not None:
            home = enrolment.claim(server, folder, code, wishes)
        else:
            home = enrolment.announce(server, folder, wishes, _say, time.sleep)
    finally:
        _tell_clock(server)
        server.close()
    _finish(folder, home, config_file)


def _renew(folder: IdentityFolder, home: Home | None) -> None:
    if home is None:
        msg = (
            f"{folder.path}: this box has no certificate yet: run `lotsight provision --cloud ...`"
        )
        raise ConfigError(msg)
    server = cloud_of(folder, home)
    try:
        enrolment.renew(server, folder)
    finally:
        _tell_clock(server)
        server.close()
    _say(f"new certificate for {home.edge}, until {folder.validity().ends:%d %B %Y}")


def _trust(folder: IdentityFolder, cloud: str, trust: str | None, ca_file: Path | None) -> Trust:
    if trust is not None:
        return Trust(fetch_authority(cloud, trust), is_only=True)
    if ca_file is None:
        return Trust()
    try:
        pem = ca_file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"--ca-file {ca_file}: cannot read: {exc}"
        raise ConfigError(msg) from exc
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(folder.cloud_ca_file, pem.encode(), PUBLIC_MODE)
    return Trust(pem, is_only=True)


def _state_dir(config_file: Path, given: Path | None) -> Path:
    if not config_file.exists():
        return (given or DEFAULT_STATE_DIR).absolute()
    try:
        raw = tomllib.loads(config_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        msg = f"{config_file}: cannot read this configuration file: {exc}"
        raise ConfigError(msg) from exc
    named = config_file.absolute().parent / state_dir_of(raw).expanduser()
    if given is not None and given.absolute() != named:
        msg = f"--state-dir is {given}, but {config_file} says {named}: leave the option out"
        raise ConfigError(msg)
    return named


def _finish(folder: IdentityFolder, home: Home, config_file: Path) -> None:
    """Write the configuration file if there is none, and say what comes next."""
    if not config_file.exists():
        text = _NEW_FILE.format(folder=folder.path, state_dir=folder.path.parent)
        write_file(config_file, text.encode(), PUBLIC_MODE)
    elif _names_broker(config_file):
        _say(f"{config_file}: its [mqtt] names another broker; remove host and tls from it")
    ends = folder.validity().ends
    _say(
        f"{home.edge} at {home.site}: broker {home.host}:{home.port}, certificate until "
        f"{ends:%d %B %Y}"
    )
    _say(f"next: lotsight run --config {config_file}")


def _names_broker(config_file: Path) -> bool:
    raw = tomllib.loads(config_file.read_text(encoding="utf-8"))
    mqtt = raw.get("mqtt")
    return isinstance(mqtt, dict) and "host" in mqtt


def _tell_clock(server: Cloud) -> None:
    if server.clock_off is not None:
        _say(
            f"{clock_text(server.clock_off)}: dates of certificates were judged by the cloud's; "
            "set it, by NTP say, before the box connects to its broker"
        )


def _say(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(text, markup=False)
