"""`lotsight label`: what a person should look at, the page for it, and what becomes of it."""

from __future__ import annotations

import getpass
import webbrowser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datasets.labelling.build import Recipe, Unit, make_queue, rank_frames
from datasets.labelling.journal import locked, read_journals
from datasets.labelling.pool import Judged, judge_pool
from datasets.labelling.queue import Queue, read_queue, write_queue
from datasets.labelling.results import How, Results, sum_up
from datasets.labelling.selection import Budget
from datasets.labelling.sources import read_sources
from models import default_model, find_model, open_detector
from telemetry import SystemClock

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Choose bays worth labelling, review them in the browser, export labels.",
)
console = Console(highlight=False, soft_wrap=True)
PORT = 8348
SHOWN_FRAMES = 8
SHOWN_DISPUTES = 12
Folder = Annotated[Path, typer.Argument(help="Folder of the queue.", show_default=False)]


@app.command()
def queue(  # noqa: PLR0913, PLR0917 - one for each option of the command
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Harvest bundles, data sets (folder, name or name:split), or folders of images "
            "(with --calibration).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the queue.")],
    count: Annotated[
        int, typer.Option("--count", "-n", help="Number of bays in the queue.", min=1)
    ] = 400,
    by: Annotated[Unit, typer.Option(help="Queue single bays or whole images.")] = Unit.BAY,
    random: Annotated[
        float, typer.Option(help="Fraction drawn at random; gives the error rate.", min=0, max=1)
    ] = 0.2,
    twice: Annotated[
        float,
        typer.Option(help="Fraction shown to every reviewer; gives the agreement.", min=0, max=1),
    ] = 0.1,
    calibration: Annotated[
        Path | None, typer.Option("--calibration", "-c", help="Calibration file, for plain images.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Name or path of a model.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the named sets.")] = None,
    seed: Annotated[int, typer.Option(help="Random seed of sample, ties and order.")] = 0,
) -> None:
    """Judge all bays and write a queue of those whose answers are worth most."""
    recipe = Recipe(
        budget=Budget(count=count, random_share=random, twice_share=twice, seed=seed),
        unit=by,
        sources=tuple(sources),
    )
    frames = read_sources(sources, calibration, data)
    detector = open_detector(find_model(model) if model else default_model())
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("judging", total=len(frames))
        pool = judge_pool(detector, frames, lambda: bar.advance(task))
    made = make_queue(pool, detector.spec, recipe, out, datetime.now(UTC))
    write_queue(out, made)
    console.print(_best_frames(pool, recipe))
    console.print(_queue_line(out, made))
    console.print(f"next: [bold]lotsight label review {out}[/]")


def _best_frames(pool: Sequence[Judged], recipe: Recipe) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("most valuable images")
    table.add_column("bays", justify="right")
    table.add_column("worth", justify="right")
    for ranked in rank_frames(pool, recipe.weights)[:SHOWN_FRAMES]:
        frame = ranked.judged.frame
        name = f"{frame.source} {frame.path.name}"
        table.add_row(name, str(len(frame.bay_ids)), f"{ranked.value:.1f}")
    return table


def _queue_line(folder: Path, made: Queue) -> str:
    random = sum(item.random for item in made.items)
    return (
        f"{folder}: {len(made.items)} bays on {len(made.frames)} images, out of "
        f"{made.made.pool_bays} on {made.made.pool_frames}; {random} of them drawn at random"
    )


@app.command()
def review(
    folder: Folder,
    reviewer: Annotated[
        str | None,
        typer.Option(help="Your name, stored with each answer; can be changed on the page."),
    ] = None,
    port: Annotated[int, typer.Option(help="Loopback port; 0 picks a free one.")] = PORT,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    settle: Annotated[
        bool, typer.Option(help="Start with the bays that reviewers disagree on.")
    ] = False,
) -> None:
    """Open the review page."""
    from calibration.editor import listen, serve_page
    from datasets.labelling.page import ReviewSession, create_review_app

    read_queue(folder)  # what is no queue gets no lock file
    with locked(folder):
        session = ReviewSession(folder, SystemClock())
        listener = listen(port, PORT)
        taken = listener.getsockname()[1]
        hosts = {f"127.0.0.1:{taken}", f"localhost:{taken}"}
        page = create_review_app(session, reviewer or getpass.getuser(), hosts)
        url = f"http://127.0.0.1:{taken}/" + ("?mode=settle" if settle else "")

        def opened() -> None:
            console.print(f"review: [bold]{url}[/] (Ctrl+C to stop)")
            if browser:
                webbrowser.open(url)

        console.print(_queue_line(folder, session.queue))
        serve_page(page, listener, opened)


@app.command()
def status(folder: Folder) -> None:
    """How far a queue is, how often suggestions were wrong, and how far reviewers agree."""
    made = read_queue(folder)
    results = sum_up(made, read_journals(folder))
    console.print(_queue_line(folder, made))
    for name, value in summary(results):
        console.print(f"  {name:25} {value}")
    disputed = [one for one in results.outcomes.values() if one.how is How.DISPUTED]
    for outcome in disputed[:SHOWN_DISPUTES]:
        frame = made.frames[outcome.item.frame]
        said = ", ".join(f"{vote.reviewer}: {vote.state}" for vote in outcome.votes)
        console.print(
            f"  disputed: {Path(frame.picture).name}, bay {made.bay_of(outcome.item).id} ({said})"
        )
    if disputed:
        console.print(
            f"  {len(disputed)} disputes: [bold]lotsight label review --settle {folder}[/]"
        )


@app.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for the data set.")],
    base: Annotated[
        Path | None, typer.Option(help="Data set to revise; its images are included.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of images that have none yet.")] = "train",
    licence: Annotated[str, typer.Option(help="SPDX licence of images that the base lacks.")] = "",
    link: Annotated[
        bool, typer.Option("--link", help="Link images instead of copying them.")
    ] = False,
) -> None:
    """Write what was answered as a revision of a data set."""
    from datasets.labelling.export import NO_BASE, Target, export_revision, read_base
    from datasets.native import Placing

    made = read_queue(folder)
    results = sum_up(made, read_journals(folder))
    target = Target(out, split, licence, Placing.LINK if link else Placing.COPY)
    revised = read_base(base) if base else NO_BASE
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("writing", total=len(revised.frames) + len(made.frames))
        manifest = export_revision(
            folder, made, results, revised, target, lambda: bar.advance(task)
        )
    counts = manifest.counts
    console.print(
        f"{out}: version [bold]{manifest.version}[/], parent {manifest.parent or 'none'}; "
        f"{counts.pictures} images, {counts.occupied} bays occupied, {counts.free} free, "
        f"{counts.unknown} unknown"
    )
    for name, value in summary(results):
        console.print(f"  {name:25} {value}")


def summary(results: Results) -> list[tuple[str, str]]:
    """What the answers say, as lines of name and value."""
    people = ", ".join(f"{name} {count}" for name, count in results.reviewers.items())
    alpha = "" if results.alpha is None else f", Krippendorff's alpha {results.alpha:.3f}"
    agreement = (
        f"{results.agreement}{alpha}" if results.agreement.count else "no bay has two answers"
    )
    counts = ", ".join(f"{results.count(how)} {how}" for how in How)
    return [
        ("answered", f"{len(results.outcomes)} of {results.asked}: {counts}"),
        ("answers", people or "none"),
        ("wrong in the random part", f"{results.error_rate}; representative of the whole pool"),
        ("wrong in the selected part", str(results.chosen_rate)),
        ("reviewer agreement", agreement),
    ]
