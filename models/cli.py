"""`lotsight models`: which models there are, and whether their files are sound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from models.hints import parse_hints
from models.manifest import settled
from models.options import LayoutOption, NamesOption, RolesOption
from models.own_model import manifest_of_export
from models.registry import (
    DEFAULT_MODEL,
    ModelEntry,
    default_model,
    explain_model,
    find_model,
    list_models,
    model_folders,
    open_detector,
)
from telemetry.errors import ModelError

if TYPE_CHECKING:
    from vision.detector import OnnxDetector

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List and verify models.")


@app.command("list")
def show(
    paths: Annotated[
        bool, typer.Option("--paths", help="Show file and sha256 of each model.")
    ] = False,
) -> None:
    """List the models of every folder."""
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("model", "version", "input", "bits", "rule", "MB", "licence"):
        table.add_column(heading, justify="right" if heading == "MB" else "left", no_wrap=True)
    entries = list_models()
    for entry in entries:
        table.add_row(*_row(entry))
    console.print(table)
    console.print(f"\n[dim]* default model; folders: {_folders()}[/]", soft_wrap=True)
    if paths:
        for entry in entries:
            console.print(f"\n{entry.name}\n  {entry.path}\n  sha256 {entry.manifest.sha256}")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="An ONNX file without a manifest.")],
    layout: LayoutOption = None,
    names: NamesOption = None,
    roles: RolesOption = None,
    name: Annotated[
        str | None, typer.Option(help="Model name; default: the file's.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing manifest.")] = False,
) -> None:
    """Find out how a model of your own is read, and write its manifest beside it."""
    path = file.with_suffix(".json")
    if file.suffix != ".onnx" or not file.is_file():
        msg = f"{file}: expected an ONNX file (*.onnx), but it does not exist"
        raise ModelError(msg)
    if path.exists() and not force:
        msg = f"{path}: manifest already exists; use --force to replace it"
        raise ModelError(msg)
    manifest = manifest_of_export(file, parse_hints(layout, names, roles or ()))
    manifest = settled(manifest, name or manifest.name)
    entry = ModelEntry(manifest, file)
    detector = open_detector(entry, threads=1)
    try:
        text = manifest.model_dump_json(indent=2, exclude_defaults=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        msg = f"{path}: cannot write this manifest: {exc}"
        raise ModelError(msg) from exc
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[green]✓[/] {entry.name} {manifest.version}")
    _explain(console, entry, detector)
    console.print(f"wrote [bold]{path}[/]")


def _explain(console: Console, entry: ModelEntry, detector: OnnxDetector) -> None:
    for line in explain_model(entry, detector):
        console.print(f"  {line}", markup=False)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Names or paths; default: all.")] = None,
) -> None:
    """Check each file's sha256, open it, and compare its inputs and outputs with the manifest."""
    console = Console(highlight=False, soft_wrap=True)
    entries = [find_model(name) for name in names] if names else list_models()
    failed = 0
    for entry in entries:
        try:
            detector = open_detector(entry, threads=1)
        except ModelError as exc:
            failed += 1
            console.print(f"[bold red]✗[/] {entry.name}: ", end="")
            console.print(str(exc), markup=False)
        else:
            console.print(f"[green]✓[/] {entry.name} {entry.manifest.version}")
            _explain(console, entry, detector)
    if failed:
        sys.exit(1)


def _row(entry: ModelEntry) -> tuple[str, ...]:
    manifest = entry.manifest
    is_default = entry.name == DEFAULT_MODEL and entry.path == default_model().path
    size = f"{manifest.input.width}x{manifest.input.height}"
    megabytes = entry.path.stat().st_size / 1e6 if entry.path.is_file() else None
    return (
        f"[bold]{entry.name}[/]{' *' if is_default else ''}",
        manifest.version,
        size if manifest.input.dynamic else f"{size} only",
        {"float32": "32", "int8": "8"}[manifest.precision],
        manifest.spec().method.replace("_", " "),
        "missing" if megabytes is None else f"{megabytes:.1f}",
        manifest.licence,
    )


def _folders() -> str:
    here = Path.cwd()
    shown = []
    for folder in model_folders():
        inside = folder.is_relative_to(here)
        shown.append(str(folder.relative_to(here) if inside else folder))
    return ", ".join(shown)
