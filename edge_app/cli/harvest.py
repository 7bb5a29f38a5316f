"""`lotsight harvest`: the frames that a box kept for labelling."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge_app.config import load_config
from edge_app.harvest import Selection
from edge_app.harvest.store import manifest_of, open_store
from telemetry import ConfigError, SystemClock

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Frames kept on a box for labelling."
)

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="Configuration file of the box.")
]
CameraOption = Annotated[str | None, typer.Option("--camera", help="Only this camera.")]
SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", help="Only frames captured at or after this time, UTC."),
]
_MIB = 1024 * 1024


@app.command("list")
def list_frames(
    config_file: ConfigOption, camera: CameraOption = None, since: SinceOption = None
) -> None:
    """Show what is kept, and why."""
    store = open_store(load_config(config_file))
    frames = store.frames(_selection(camera, since))
    table = Table("taken", "camera", "worth", "reasons", "unsure bays", box=None, padding=(0, 2))
    for frame in frames:
        unsure = [bay.id for bay in frame.bays if 0.25 < bay.prob < 0.75]  # noqa: PLR2004 - even odds and about
        table.add_row(
            f"{frame.captured_utc:%Y-%m-%d %H:%M:%S}",
            frame.camera,
            f"{frame.score:.2f}",
            ", ".join(frame.reasons),
            ", ".join(unsure[:6]) + (" ..." if len(unsure) > 6 else ""),  # noqa: PLR2004
        )
    console = Console(highlight=False)
    if frames:
        console.print(table)
    console.print(f"{len(frames)} frames; {store.size_bytes / _MIB:.1f} MiB in the store")


@app.command()
def bundle(
    config_file: ConfigOption,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Output file (.tar.gz), or a new folder.")
    ],
    camera: CameraOption = None,
    since: SinceOption = None,
) -> None:
    """Pack the kept frames for `lotsight label queue`; they stay on the box."""
    config = load_config(config_file)
    store = open_store(config)
    manifest = manifest_of(config, store, SystemClock(), _selection(camera, since))
    if not manifest.frames:
        msg = f"{store.folder}: expected kept frames, but none match"
        raise ConfigError(msg)
    store.bundle(out, manifest)
    Console(highlight=False, soft_wrap=True).print(f"{out}: {len(manifest.frames)} frames")


@app.command()
def purge(
    config_file: ConfigOption,
    camera: CameraOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete the kept frames."""
    store = open_store(load_config(config_file))
    selection = Selection(camera=camera)
    count = len(store.frames(selection))
    if count and not yes:
        typer.confirm(f"Delete {count} frames in {store.folder}?", abort=True)
    Console(highlight=False).print(f"{store.purge(selection)} frames deleted")


def _selection(camera: str | None, since: datetime | None) -> Selection:
    return Selection(camera=camera, since=None if since is None else since.replace(tzinfo=UTC))
