"""What axe-core finds on a page in Chromium."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_AXE = files("axe_playwright_python").joinpath("axe.min.js")


def serious_findings(page: Page) -> list[str]:
    """The findings of impact serious or critical: rule, and the first elements.

    The page's policy must allow evaluation (`bypass_csp`).
    """
    # What fades in has too little contrast on its way.
    page.evaluate(
        "() => Promise.allSettled(document.getAnimations()"
        ".filter((each) => each.effect.getComputedTiming().iterations !== Infinity)"
        ".map((each) => each.finished))"
    )
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    result = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{v['id']}: {[node['html'][:120] for node in v['nodes'][:4]]}"
        for v in result["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
