"""The HTML report of an evaluation: one file, no script, nothing fetched."""

from __future__ import annotations

import base64
from html import escape

import numpy as np

from datasets.charts import reliability_svg, slices_svg
from datasets.contact_sheet import contact_sheet, sheet_jpeg, worst_bays
from datasets.evaluation import Evaluation, mean_of
from datasets.metrics import Metrics, by_height, by_size, reliability

WORST = 20

STYLE = """
:root{color-scheme:light dark;--ink:#15181c;--soft:#5d6670;--line:#dfe3e8;--paper:#fff;
--card:#f6f7f9;--accent:#0072b2;--bad:#d55e00}
@media(prefers-color-scheme:dark){:root{--ink:#eceff3;--soft:#9aa4af;--line:#2b3138;
--paper:#111418;--card:#191d22;--accent:#56b4e9;--bad:#e8803c}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:26px;margin:0 0 4px;letter-spacing:-.01em}h2{font-size:17px;margin:40px 0 12px}
p.note,.facts{color:var(--soft);margin:0 0 12px}.facts code{font-size:12.5px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:24px 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.card b{display:block;font-size:26px;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.card span{color:var(--soft);font-size:13px}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;
font-variant-numeric:tabular-nums}
th,td{padding:7px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600;font-size:13px}th:first-child,td:first-child{text-align:left}
td small{color:var(--soft)}.worse{color:var(--bad);font-weight:600}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:20px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px}
figcaption{font-weight:600;margin-bottom:6px}figure img{width:100%;display:block;border-radius:6px}
.chart{width:100%;max-width:380px;height:auto;display:block;margin:0 auto}
.chart.wide{max-width:none}.plot{fill:none;stroke:var(--line)}.grid{stroke:var(--line)}
.ideal{stroke:var(--soft);stroke-dasharray:4 4}.line{fill:none;stroke:var(--accent);
stroke-width:2}.dot{fill:var(--accent);fill-opacity:.85}.track{fill:var(--line);fill-opacity:.6}
.bar{fill:var(--bad)}.tick{font-size:11.5px;fill:var(--soft)}.axis{font-size:12px;
fill:var(--soft)}.mid{text-anchor:middle}.end{text-anchor:end}
"""


def html_report(evaluation: Evaluation) -> str:
    """Write the report as one HTML page; it embeds the contact sheet of the worst bays.

    Raises:
        DatasetError: a picture of the contact sheet cannot be read.
    """
    model = evaluation.model
    title = f"{model['name']} {model['version']} on labelled lots"
    options = evaluation.plan.options
    size = f"long side {options.long_side_px} px" if options.long_side_px else "by the bays' size"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<style>{STYLE}</style><main><h1>{escape(title)}</h1>",
        f'<p class="facts">rule {evaluation.plan.rule} · input {escape(size)} · '
        f"{evaluation.time_utc:%Y-%m-%d %H:%M} UTC · <code>sha256 {model['sha256']}</code></p>",
        _cards(evaluation),
        "<h2>By camera, the worst first</h2>",
        '<p class="note">Unknown: as close to even odds that a box does not decide; known right is '
        "of the others. A set that names no camera counts as one.</p>",
        _camera_table(evaluation),
        "<h2>By set</h2>",
        '<p class="note">Intervals hold 95 %, bootstrapped over frames. Positive is occupied.</p>',
        _set_table(evaluation),
    ]
    if evaluation.variants:
        parts += ["<h2>Under harm</h2>", _NOTE_VARIANTS, _variant_table(evaluation)]
    parts += ["<h2>Where it errs</h2>", _slice_figures(evaluation)]
    parts += ["<h2>Is it as sure as it says?</h2>", _reliability_figures(evaluation)]
    parts += [f"<h2>The {WORST} bays farthest from the truth</h2>", _sheet(evaluation)]
    return "".join(parts) + "</main></html>\n"


_NOTE_VARIANTS = (
    '<p class="note">Accuracy after each change to every picture, or to the corners of every bay; '
    "coloured where it falls by more than a point.</p>"
)


def _cards(evaluation: Evaluation) -> str:
    right = np.concatenate([one.right for one in evaluation.verdicts])
    prob = np.concatenate([one.prob for one in evaluation.verdicts])
    truth = np.concatenate([one.occupied for one in evaluation.verdicts])
    frames = sum(one.frames for one in evaluation.metrics)
    name, worst = next(iter(evaluation.cameras.items()))
    cards = [
        (f"{_percent(worst.accuracy.value)} %", f"worst camera: {escape(name)}"),
        (f"{_percent(mean_of(evaluation.cameras)['accuracy'])} %", "mean over cameras"),
        (f"{100 * right.mean():.2f} %", "of all bays right"),
        (f"{int((~right).sum())}", f"of {len(right)} bays wrong"),
        (f"{int((~right & truth).sum())} / {int((~right & ~truth).sum())}", "missed / false"),
        (f"{float(np.square(prob - truth).mean()):.4f}", "Brier score"),
        (f"{frames}", "frames"),
    ]
    inner = "".join(f'<div class="card"><b>{a}</b><span>{b}</span></div>' for a, b in cards)
    return f'<div class="cards">{inner}</div>'


def _camera_table(evaluation: Evaluation) -> str:
    heads = (
        "camera", "frames", "bays", "accuracy %", "unknown %", "known right %", "F1 %", "ECE %",
    )  # fmt: skip
    rows = [
        _row(
            escape(name),
            str(one.frames),
            str(one.bays),
            f"<b>{_percent(one.accuracy.value)}</b> <small>{_range(one)}</small>",
            *map(_percent, (one.abstained, one.decided_accuracy, one.f1.value, one.ece)),
        )
        for name, one in evaluation.cameras.items()
    ]
    if len(rows) > 1:
        mean = mean_of(evaluation.cameras)
        order = ("abstained", "decided_accuracy", "f1", "ece")
        shares = (_percent(mean[name]) for name in order)
        rows.append(_row("mean", "", "", f"<b>{_percent(mean['accuracy'])}</b>", *shares))
    return _table(heads, rows)


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _set_table(evaluation: Evaluation) -> str:
    heads = (
        "set", "frames", "bays", "accuracy %", "F1 %", "precision %", "recall %", "ECE %",
        "abstained %", "input Mpx",
    )  # fmt: skip
    rows = []
    for verdicts, one in zip(evaluation.verdicts, evaluation.metrics, strict=True):
        cells = (
            escape(verdicts.name),
            str(one.frames),
            str(one.bays),
            f"<b>{_percent(one.accuracy.value)}</b> <small>{_range(one)}</small>",
            f"{_percent(one.f1.value)}",
            _percent(one.precision),
            _percent(one.recall),
            _percent(one.ece),
            _percent(one.abstained),
            f"{verdicts.input_mpx:.2f}",
        )
        rows.append(_row(*cells))
    return _table(heads, rows)


def _variant_table(evaluation: Evaluation) -> str:
    names = [one.name for one in evaluation.verdicts]
    rows = [_variant_row("as it is", evaluation.metrics, evaluation.metrics)]
    rows += [_variant_row(n, m, evaluation.metrics) for n, m in evaluation.variants.items()]
    return _table(("change", *map(escape, names)), rows)


def _variant_row(name: str, metrics: tuple[Metrics, ...], base: tuple[Metrics, ...]) -> str:
    cells = [f"<td>{escape(name)}</td>"]
    for one, before in zip(metrics, base, strict=True):
        fall = before.accuracy.value - one.accuracy.value
        mark = ' class="worse"' if fall > 0.01 else ""  # noqa: PLR2004 - one point
        cells.append(f"<td{mark}>{_percent(one.accuracy.value)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _table(heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _slice_figures(evaluation: Evaluation) -> str:
    sizes = slices_svg(by_size(evaluation.verdicts))
    heights = slices_svg(by_height(evaluation.verdicts))
    return (
        f'<div class="grid2"><figure><figcaption>Wrong, by side of the bay in the picture'
        f"</figcaption>{sizes}</figure><figure><figcaption>Wrong, by place in the picture (top is "
        f"far)</figcaption>{heights}</figure></div>"
    )


def _reliability_figures(evaluation: Evaluation) -> str:
    figures = [
        f"<figure><figcaption>{escape(one.name)} · ECE {100 * metrics.ece:.2f} %</figcaption>"
        f"{reliability_svg(reliability(one.prob, one.occupied))}</figure>"
        for one, metrics in zip(evaluation.verdicts, evaluation.metrics, strict=True)
    ]
    return f'<div class="grid2">{"".join(figures)}</div>'


def _sheet(evaluation: Evaluation) -> str:
    sheet = contact_sheet(worst_bays(evaluation.verdicts, WORST))
    data = base64.b64encode(sheet_jpeg(sheet)).decode()
    return (
        "<figure><figcaption>Outline in the colour of the truth: vermilion occupied, green free"
        f'</figcaption><img alt="Contact sheet" src="data:image/jpeg;base64,{data}"></figure>'
    )


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _range(metrics: Metrics) -> str:
    return f"{_percent(metrics.accuracy.low)} to {_percent(metrics.accuracy.high)}"
