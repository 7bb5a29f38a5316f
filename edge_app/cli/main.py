"""Command table of `lotsight`: each command is imported only when it is used.

Lazy for two reasons: `lotsight --help` answers at once on a small box, and commands of packages
that an edge box lacks (`datasets`, `models.training`) can be listed without being importable.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module, one line of help); the module holds a typer app named `app`
    "run": ("edge_app.cli.run", "Run the edge service."),
    "provision": (
        "edge_app.cli.provision",
        "Get the box its certificate and its broker, with a one-time code or by approval.",
    ),
    "demo": ("edge_app.cli.demo", "Watch a simulated lot: no camera, broker or network needed."),
    "judge": ("edge_app.cli.judge", "Judge the bays of an image or clip; draw the result."),
    "calibrate": ("edge_app.cli.calibrate", "Open the calibration editor on a camera or image."),
    "calibration": (
        "edge_app.cli.calibration",
        "Check, import, show and revise calibration files.",
    ),
    "check-config": ("edge_app.cli.check_config", "Check a configuration file."),
    "doctor": (
        "edge_app.cli.doctor",
        "Diagnose a box: ports, disk, clock, cameras, broker.",
    ),
    "outputs": ("edge_app.cli.outputs", "Test signs and barriers."),
    "diagnose": ("edge_app.cli.diagnose", "Write a support bundle without secrets."),
    "harvest": ("edge_app.cli.harvest", "List, pack and delete frames kept for labelling."),
    "models": ("models.cli", "List and verify models."),
    "train": ("models.training.cli", "Train the network (source checkout, extra `train`)."),
    "promote": (
        "models.training.promote_cli",
        "Accept a candidate model if it is no worse on unseen lots (source checkout).",
    ),
    "eval": ("datasets.eval_cli", "Evaluate a model on labelled lots (source checkout)."),
    "dataset": ("datasets.cli", "Inspect, check and convert datasets (source checkout)."),
    "label": (
        "datasets.labelling.cli",
        "Choose bays worth labelling and review their states by keyboard (source checkout).",
    ),
}


def main() -> None:
    """Run the command line and exit with its code."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in {"-h", "--help", "help"}:
        _print_help()
    elif name == "--version":
        _print_version()
    else:
        # Only here: what a command needs takes longer to import than the help takes to print.
        from edge_app.cli.dispatch import run_command

        sys.exit(run_command(name, arguments, COMMANDS))


def _print_version() -> None:
    from edge_app.version import software

    Console().print(software(), highlight=False)


def _print_help() -> None:
    console = Console(highlight=False)
    console.print("Parking-bay occupancy from fixed cameras.\n\n  lotsight COMMAND [OPTIONS]\n")
    table = Table(box=None, show_header=False, padding=(0, 3, 0, 2))
    for name, (_, help_line) in COMMANDS.items():
        table.add_row(f"[bold]{name}[/]", help_line)
    console.print(table)
    console.print(
        "\n  lotsight COMMAND --help shows a command's options; --version shows the version."
    )
