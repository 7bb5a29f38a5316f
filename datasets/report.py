"""The HTML report of an evaluation: one file, no script, nothing fetched."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from datasets.charts import reliability_svg, slices_svg
from datasets.contact_sheet import contact_sheet, sheet_jpeg, worst_bays
from datasets.evaluation import Evaluation, mean_of
from datasets.metrics import by_height, by_size, reliability

WORST = 20


def html_report(evaluation: Evaluation) -> str:
    """Write the report as one HTML page; it embeds the contact sheet of the worst bays.

    Raises:
        DatasetError: an image of the contact sheet cannot be read.
    """
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    templates.filters["percent"] = _percent
    model, verdicts = evaluation.model, evaluation.verdicts
    long_side_px = evaluation.plan.options.long_side_px
    sets = list(zip(verdicts, evaluation.metrics, strict=True))
    charts = [reliability_svg(reliability(one.prob, one.occupied)) for one in verdicts]
    sheet = sheet_jpeg(contact_sheet(worst_bays(verdicts, WORST)))
    return templates.get_template("report.html").render(
        title=f"{model['name']} {model['version']} on labelled lots",
        model=model,
        rule=evaluation.plan.rule,
        input=f"long side {long_side_px} px" if long_side_px else "by the bays' size",
        time=f"{evaluation.time_utc:%Y-%m-%d %H:%M}",
        cards=_cards(evaluation),
        cameras=evaluation.cameras,
        mean=mean_of(evaluation.cameras),
        sets=sets,
        variants=[("unchanged", evaluation.metrics), *evaluation.variants.items()]
        if evaluation.variants
        else [],
        sizes_svg=slices_svg(by_size(verdicts)),
        heights_svg=slices_svg(by_height(verdicts)),
        reliability=list(zip(sets, charts, strict=True)),
        worst=WORST,
        sheet=base64.b64encode(sheet).decode(),
    )


def _cards(evaluation: Evaluation) -> list[tuple[str, str]]:
    """The figures at the head of the page, and what each is."""
    right = np.concatenate([one.right for one in evaluation.verdicts])
    prob = np.concatenate([one.prob for one in evaluation.verdicts])
    truth = np.concatenate([one.occupied for one in evaluation.verdicts])
    frames = sum(one.frames for one in evaluation.metrics)
    name, worst = next(iter(evaluation.cameras.items()))
    return [
        (f"{_percent(worst.accuracy.value)} %", f"worst camera: {name}"),
        (f"{_percent(mean_of(evaluation.cameras)['accuracy'])} %", "mean over cameras"),
        (f"{100 * right.mean():.2f} %", "of all bays correct"),
        (f"{int((~right).sum())}", f"of {len(right)} bays wrong"),
        (f"{int((~right & truth).sum())} / {int((~right & ~truth).sum())}", "missed / false"),
        (f"{float(np.square(prob - truth).mean()):.4f}", "Brier score"),
        (f"{frames}", "frames"),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
