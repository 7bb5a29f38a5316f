"""Commands that look at calibration files: check, show, diff, draw, export, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from calibration.check import check_calibration
from calibration.commands.common import (
    FileArgument,
    ModelOption,
    console,
    counted,
    model_access,
    print_findings,
    table_of,
)
from calibration.diff import compare
from calibration.draw import draw_calibration
from calibration.exporters import WITHOUT_IDS, ExportFormat, export_bays
from calibration.files import load_revision, read_calibration
from calibration.findings import Finding, Severity, errors_of
from calibration.json_schema import format_schema
from calibration.network_check import NetworkReport, check_for_network
from calibration.pictures import read_picture, write_picture
from calibration.references import check_reference, missing_reference, reference_path
from calibration.succession import format_calibration
from calibration.types import Calibration
from calibration.visibility import check_visibility
from telemetry.errors import CalibrationError


def check(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(help="Calibration files.", show_default=False, metavar="FILE...")
    ],
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings as JSON.")] = False,
) -> None:
    """Check files: form, checksum, bays, reference image, input size and cost for the network.

    Exit code 1 when a file must not be used.
    """
    reports = [_check_one(context, path, model) for path in files]
    if as_json:
        typer.echo(json.dumps([report for report, _ in reports], indent=1))
    if not all(is_good for _, is_good in reports):
        raise typer.Exit(1)


def _check_one(
    context: typer.Context, path: Path, model: str | None
) -> tuple[dict[str, object], bool]:
    quiet = bool(context.params["as_json"])
    try:
        calibration = read_calibration(path)
    except CalibrationError as exc:
        if not quiet:
            console().print(f"[bold red]error[/] {exc}", markup=True, soft_wrap=True)
        return {"file": str(path), "error": str(exc), "findings": []}, False
    findings = [
        *check_calibration(calibration),
        *check_reference(path, calibration),
        *check_visibility(calibration),
    ]
    if (missing := missing_reference(path, calibration)) is not None:
        findings.append(missing)
    access = model_access(context)
    report = check_for_network(calibration, access.spec(model)) if access else None
    findings += report.findings if report else ()
    is_good = not errors_of(findings)
    if not quiet:
        _print_check(path, calibration, findings, report)
    data: dict[str, object] = {
        "file": str(path),
        "revision": calibration.revision,
        "bays": len(calibration.bays),
        "findings": [finding.to_json() for finding in findings],
    }
    if report is not None:
        data["input"] = {
            "input_wh": report.plan.input_wh,
            "tiles": len(report.plan.tiles),
            "smallest_bay_px": round(report.plan.smallest_bay_px, 1),
            "cost": round(report.cost, 2),
        }
    return data, is_good


def _print_check(
    path: Path,
    calibration: Calibration,
    findings: list[Finding],
    report: NetworkReport | None,
) -> None:
    screen = console()
    errors = len(errors_of(findings))
    verdict = f"[bold red]{errors} errors[/]" if errors else "[bold green]good[/]"
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    more = f", {counted(warnings, 'warning')}" if warnings else ""
    screen.print(
        f"{verdict}{more}: {path} (camera {calibration.camera}, revision {calibration.revision}, "
        f"{counted(len(calibration.bays), 'bay')})"
    )
    if report is not None:
        screen.print(
            f"  network input {report.plan.describe()}; {report.cost:.2g} times the work of the "
            "default input"
        )
    print_findings(findings)


def show(
    file: FileArgument,
    revision: Annotated[int | None, typer.Option(help="An earlier revision.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the file's JSON.")] = False,
) -> None:
    """Show a calibration: lot, bays, revision."""
    calibration = read_calibration(file) if revision is None else load_revision(file, revision)
    if as_json:
        typer.echo(format_calibration(calibration), nl=False)
        return
    screen = console()
    lot = calibration.lot
    place = f"{lot.location.lat_deg:.5f}, {lot.location.lon_deg:.5f}" if lot.location else "-"
    time = f"{calibration.time:%Y-%m-%d %H:%M} UTC" if calibration.time else "never saved"
    facts = [
        ("camera", calibration.camera),
        ("picture", "{}x{} px".format(*calibration.image_wh)),
        ("lot", f"{lot.name} ({lot.street.value.replace('_', '-')}, {place})"),
        ("levels", ", ".join(lot.levels) or "-"),
        ("reference", calibration.reference.file if calibration.reference else "-"),
        ("masks", ", ".join(mask.name for mask in calibration.masks) or "-"),
        ("counted lines", ", ".join(line.id for line in calibration.lines) or "-"),
        ("retired ids", ", ".join(calibration.retired_ids) or "-"),
        ("revision", f"{calibration.revision} by {calibration.author}, {time}"),
        ("note", calibration.note or "-"),
    ]
    screen.print(table_of(("", ""), facts), "")
    rows = [
        (bay.id, bay.kind, bay.angle, bay.zone or "-", bay.level or "-", str(len(bay.polygon)))
        for bay in calibration.bays
    ]
    screen.print(table_of(("bay", "kind", "angle", "zone", "level", "points"), rows))


def diff(
    file: FileArgument,
    old: Annotated[
        int | None, typer.Option("--from", help="Default: the previous revision.")
    ] = None,
    new: Annotated[int | None, typer.Option("--to", help="Default: the current revision.")] = None,
) -> None:
    """Show what changed between two revisions."""
    after = read_calibration(file) if new is None else load_revision(file, new)
    before = load_revision(file, after.revision - 1 if old is None else old)
    difference = compare(before, after)
    screen = console()
    screen.print(f"revision {before.revision} -> {after.revision}: {file}")
    if difference.is_empty:
        screen.print("no difference")
    for fact in difference.facts:
        screen.print(f"  {fact}", markup=False)
    if difference.order_changed:
        screen.print("  order of the bays changed")
    styles = {"added": "green", "removed": "red", "changed": "yellow"}
    rows = [
        (f"[{styles[change.kind]}]{change.kind}[/]", change.bay, "; ".join(change.details))
        for change in difference.bays
    ]
    if rows:
        screen.print(table_of(("", "bay", "what"), rows))


def draw(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Output image (.png, .jpg).")],
    image: Annotated[
        Path | None, typer.Option("--image", help="Default: the reference image.")
    ] = None,
) -> None:
    """Draw the bays on the reference image, or on another picture of the camera."""
    calibration = read_calibration(file)
    picture = image or reference_path(file, calibration)
    if picture is None:
        msg = f"{file}: reference: expected an image to draw on (--image), but got none"
        raise CalibrationError(msg)
    findings = check_calibration(calibration)
    write_picture(out, draw_calibration(read_picture(picture), calibration, findings))
    console().print(f"[green]drawn[/]: {out}, {counted(len(calibration.bays), 'bay')} on {picture}")


def export(
    file: FileArgument,
    file_format: Annotated[
        ExportFormat, typer.Option("--format", "-f", help="Output file format.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Default: standard output.")
    ] = None,
) -> None:
    """Write the bays for another tool."""
    text = export_bays(read_calibration(file), file_format)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as exc:
        msg = f"{out}: cannot write: {exc.strerror}"
        raise CalibrationError(msg) from exc
    console().print(f"[green]exported[/]: {out}")
    if file_format in WITHOUT_IDS:
        console().print(f"[yellow]without ids: {file_format} has no field for them[/]")


def schema() -> None:
    """Print the JSON Schema of calibration files."""
    typer.echo(format_schema(), nl=False)
