"""Fit the weights of `vision.fusion` across lots, and show what they bring.

    python benchmarks/vision_fit_fusion.py record fit.pkl
    python benchmarks/vision_fit_fusion.py record judge.pkl --part judge
    python benchmarks/vision_fit_fusion.py fit fit.pkl --manifest models/weights/lotsight-n.json
    python benchmarks/vision_fit_fusion.py judge judge.pkl models/weights/lotsight-n.json
    python benchmarks/vision_fit_fusion.py additions fit.pkl judge.pkl

Every lot counts alike, whatever its number of pictures and bays. The head hardly errs on the lots
that may be trained on, so that a plain fit trusts it alone. Two things counter that: the changes of
`fusion_changes`, and `--head-errors`, a share of bays whose head is replaced by an error that it
really made elsewhere. Its default is the head's error on lots that it was not trained on, in the
mean over acpds a to e (left out, see the model card), pklot_ufpr05 and pklot_pucpr: 1.9 %. `fit`
prints each lot judged by weights that were fitted without it, then the weights of all. `judge`
reads lots on which nothing was chosen, and `additions` what each training lot alone does for them.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from fusion_record import Part, Record, record
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from models.manifest import load_manifest
from vision.assignment import OverlapRule
from vision.evidence import to_log_odds
from vision.fusion import Cues, Doubles, cues_of
from vision.fusion_weights import FUSION_VERSION, FusionWeights
from vision.geometry import to_pixels

SEED = 14
DRAWS = 3
"""Copies of each bay with an error of the head."""
RIDGE = 1e-4
HEAD_ERRORS = 0.02
TERMS = [field.name for field in fields(FusionWeights) if field.name != "bias"]
app = typer.Typer(add_completion=False)
console = Console()


@dataclass(frozen=True, slots=True)
class Seen:
    """The bays of one recorded picture.

    Attributes:
        lot: held out as one; every kind of render is one.
        changed: whether the picture was changed.
        cues: of its M bays.
        occupied: the truth, 0 or 1, shape (M,).
        boxes: log-odds by boxes alone, shape (M,).
    """

    lot: str
    changed: bool
    cues: Cues
    occupied: Doubles
    boxes: Doubles

    @property
    def is_wrong(self) -> Doubles:
        """Where the head errs."""
        return (self.cues.head > 0) != (self.occupied > 0)


def load(path: Path) -> list[Seen]:
    """Recorded pictures that have bays."""
    records: dict[tuple[str, str], Record] = pickle.loads(path.read_bytes())
    return [_seen(one) for one in records.values() if len(one.occupied)]


def by_camera(path: Path) -> dict[str, list[Seen]]:
    """Recorded pictures that have bays, by their set: each but acpds has one camera."""
    groups: dict[str, list[Seen]] = {}
    for one in load(path):
        groups.setdefault(one.lot, []).append(one)
    return groups


def _seen(one: Record) -> Seen:
    polygons_px = [to_pixels(polygon, one.image_wh) for polygon in one.polygons_norm]
    found = one.output.detections
    sure = found.confidence >= 0.1
    kept = replace(
        found, xyxy_px=found.xyxy_px[sure], confidence=found.confidence[sure],
        class_id=found.class_id[sure],
    )  # fmt: skip
    boxes = OverlapRule().judge(
        replace(one.output, detections=kept), one.polygons_norm, one.image_wh
    )
    assert one.output.bay_prob is not None
    return Seen(
        lot="renders" if one.lot.startswith("render") else one.lot,
        changed=bool(one.changes),
        cues=cues_of(one.output.bay_prob, found, polygons_px),
        occupied=one.occupied.astype(np.float64),
        boxes=to_log_odds(boxes.prob),
    )


def _errors(seen: Iterable[Seen]) -> tuple[Doubles, Doubles]:
    """How sure the head was where it erred, on lots new to it: of cars, of free bays."""
    parts = [(np.abs(s.cues.head[s.is_wrong]), s.occupied[s.is_wrong]) for s in seen]
    sizes, occupied = (np.concatenate(column) for column in zip(*parts, strict=True))
    return sizes[occupied > 0], sizes[occupied == 0]


def samples(
    seen: Sequence[Seen], head_errors: float, errors: tuple[Doubles, Doubles] | None = None
) -> tuple[Doubles, Doubles, Doubles]:
    """Terms (S, K), truth (S,) and weight (S,) of all bays, and of copies whose head errs.

    Args:
        seen: the bays.
        head_errors: share of the copies.
        errors: how sure the head is where it errs, of cars and of free bays; by default as in
            `seen`.
    """
    cars, free = errors or _errors(s for s in seen if s.lot != "acpds")
    rng = np.random.default_rng(SEED)
    rows, truth, weight = [], [], []
    total = dict.fromkeys({s.lot for s in seen}, 0.0)
    for one in seen:
        # The bays of one picture are alike: twice as many say more, but not twice as much.
        total[one.lot] += len(one.occupied) ** 0.5
    for one in seen:
        bays = len(one.occupied)
        each = bays**-0.5 / total[one.lot]
        rows.append(one.cues.columns())
        weight.append(np.full(bays, each * (1 - head_errors)))
        for _ in range(DRAWS if head_errors else 0):
            wrong = np.where(one.occupied > 0, -rng.choice(cars, bays), rng.choice(free, bays))
            rows.append(replace(one.cues, head=wrong).columns())
            weight.append(np.full(bays, each * head_errors / DRAWS))
        truth += [one.occupied] * (len(rows) - len(truth))
    weights = np.concatenate(weight)
    return np.concatenate(rows), np.concatenate(truth), weights / weights.sum()


def fit_weights(
    seen: Sequence[Seen], head_errors: float, errors: tuple[Doubles, Doubles] | None = None
) -> FusionWeights:
    """Maximum likelihood under the signs that `FusionWeights` demands, with a slight ridge."""
    terms, truth, weight = samples(seen, head_errors, errors)
    terms = np.column_stack([terms, np.ones(len(terms))])

    def loss(guess: Doubles) -> tuple[float, Doubles]:
        logit = terms @ guess
        slope = terms.T @ (weight * (1 / (1 + np.exp(-logit)) - truth))
        slope[:-1] += 2 * RIDGE * guess[:-1]
        value = weight @ (np.logaddexp(0, logit) - truth * logit)
        return float(value + RIDGE * guess[:-1] @ guess[:-1]), slope

    bounds = [(0.0, None)] * len(TERMS) + [(None, None)]
    found = minimize(loss, np.full(len(bounds), 0.1), jac=True, bounds=bounds, method="L-BFGS-B")
    numbers = [round(float(value), 3) for value in found.x]
    return FusionWeights(bias=numbers[-1], **dict(zip(TERMS, numbers[:-1], strict=True)))


def fused(one: Seen, weights: FusionWeights) -> Doubles:
    """Log-odds of the bays of a picture."""
    logit: Doubles = one.cues.columns() @ np.array(weights.terms()) + weights.bias
    return logit


def ece(logit: Doubles, occupied: Doubles, bins: int = 10) -> float:
    """Expected calibration error of the stated confidence."""
    prob = 1 / (1 + np.exp(-logit))
    sure, right = np.maximum(prob, 1 - prob), (prob >= 0.5) == (occupied > 0)
    index = np.minimum(((sure - 0.5) * 2 * bins).astype(int), bins - 1)
    gaps = [abs(sure[index == i].sum() - right[index == i].sum()) for i in range(bins)]
    return float(sum(gaps) / len(prob))


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one group of pictures: share right in %, by head, boxes and both, and so on."""

    name: str
    bays: int
    head: float
    boxes: float
    both: float
    head_loss: float
    loss: float
    head_ece: float
    ece: float
    unsure: float
    wrong_and_sure: float


def row(name: str, seen: Sequence[Seen], logits: Sequence[Doubles]) -> Row:
    """Measure."""
    y = np.concatenate([s.occupied for s in seen])
    head = np.concatenate([s.cues.head for s in seen])
    boxes = np.concatenate([s.boxes for s in seen])
    both = np.concatenate(logits)
    doubt = np.abs(both) < np.log(3)
    wrong = (both >= 0) != (y > 0)

    def right(logit: Doubles) -> float:
        return 100 * float(np.mean((logit >= 0) == (y > 0)))

    def loss(logit: Doubles) -> float:
        return float(np.mean(np.logaddexp(0, np.where(y > 0, -logit, logit))))

    return Row(
        name, len(y), right(head), right(boxes), right(both), loss(head), loss(both),
        100 * ece(head, y), 100 * ece(both, y), 100 * float(doubt.mean()),
        100 * float((wrong & ~doubt).mean()),
    )  # fmt: skip


def show(rows: Sequence[Row], title: str) -> None:
    """Print the worst first, and the mean of the rows."""
    table = Table(title=title)
    heads = ("bays", "head %", "boxes %", "both %", "log loss head", "both", "ECE head", "ECE both",
             "unsure %", "sure and wrong %")  # fmt: skip
    table.add_column("lot")
    for head in heads:
        table.add_column(head, justify="right")
    ordered = sorted(rows, key=lambda one: one.both)
    means = [float(np.mean([getattr(r, f.name) for r in rows])) for f in fields(Row)[2:]]
    for one in [*ordered, Row("mean", sum(r.bays for r in rows), *means)]:
        figures = list(asdict(one).values())
        table.add_row(figures[0], str(figures[1]), *(
            f"{value:.4f}" if index in {3, 4} else f"{value:.2f}"
            for index, value in enumerate(figures[2:])
        ))  # fmt: skip
    Console(width=160).print(table)


def left_out(seen: Sequence[Seen], head_errors: float) -> list[Row]:
    """Every lot judged by weights fitted without it, as it is and changed."""
    rows = []
    for lot in sorted({one.lot for one in seen}):
        weights = fit_weights([one for one in seen if one.lot != lot], head_errors)
        for changed in (False, True):
            part = [one for one in seen if one.lot == lot and one.changed == changed]
            name = f"{lot}, changed" if changed else lot
            if part:
                rows.append(row(name, part, [fused(one, weights) for one in part]))
    return rows


@app.command(name="record")
def record_command(
    out: Path, model: str = "lotsight-n", part: Part = Part.FIT, threads: int = 1, limit: int = 551
) -> None:
    """Record what a network says; a file that exists is continued."""
    record(out, model, part, threads, limit)


@app.command()
def fit(
    records: Path,
    head_errors: Annotated[float, typer.Option(min=0, max=0.5)] = HEAD_ERRORS,
    manifest: Annotated[list[Path] | None, typer.Option()] = None,
) -> None:
    """Show each lot judged without it, fit on all, and write the weights into manifests."""
    seen = load(records)
    show(left_out(seen, head_errors), f"each lot left out, head errors {head_errors:g}")
    weights = fit_weights(seen, head_errors)
    console.print(weights)
    for path in manifest or []:
        raw = json.loads(path.read_text())
        raw["fusion"] = {"version": FUSION_VERSION, **asdict(weights)}
        path.write_text(json.dumps(raw, indent=2) + "\n")


@app.command()
def judge(records: Path, manifest: Path) -> None:
    """Judge recorded pictures with the weights of a manifest, per camera."""
    weights = load_manifest(manifest).spec().fusion
    if weights is None:
        msg = f"{manifest} has no fusion block"
        raise typer.BadParameter(msg)
    groups = by_camera(records)
    rows = [row(name, part, [fused(s, weights) for s in part]) for name, part in groups.items()]
    show(rows, f"{records.name} by the weights of {manifest.name}")


@app.command()
def additions(
    records: Path,
    judged: Path,
    head_errors: Annotated[float, typer.Option(min=0, max=0.5)] = HEAD_ERRORS,
) -> None:
    """What each lot brings by itself: weights fitted with acpds and it, and with all but it.

    The errors of the head that are drawn come from all lots in every fit: only the lots differ.
    """
    seen, cameras = load(records), by_camera(judged)
    errors = _errors(one for one in seen if one.lot != "acpds")
    lots = sorted({one.lot for one in seen})
    fits = {"acpds alone": {"acpds"}}
    fits |= {f"acpds and {lot}": {"acpds", lot} for lot in lots if lot != "acpds"}
    fits |= {"all": set(lots)} | {f"all but {lot}": set(lots) - {lot} for lot in lots}
    table = Table(title=f"% right on {judged.name} by weights fitted on", show_lines=False)
    for head in ("lots", *cameras, "mean", "log loss", "ECE"):
        table.add_column(head, justify="right")
    for name, wanted in fits.items():
        weights = fit_weights([one for one in seen if one.lot in wanted], head_errors, errors)
        rows = [row(c, part, [fused(s, weights) for s in part]) for c, part in cameras.items()]
        means = [float(np.mean([getattr(r, f) for r in rows])) for f in ("both", "loss", "ece")]
        right, loss, off = means
        shares = (f"{r.both:.2f}" for r in rows)
        table.add_row(name, *shares, f"{right:.2f}", f"{loss:.4f}", f"{off:.2f}")
    Console(width=160).print(table)


if __name__ == "__main__":
    app()
