"""How likely a place will be free at many lots: what a driver's search asks of forecasts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from cloud_app.analytics.demand import ForecastError
from cloud_app.analytics.forecasts import SiteForecasts
from cloud_app.analytics.past import QUARTERS, LotPart, Part
from cloud_app.storage.database import Session
from cloud_app.storage.quarter_sums import Lot
from cloud_app.storage.queries import Now, parts_now
from cloud_app.storage.times import to_ms
from cloud_app.views import KEPT_KINDS, Counts
from telemetry.vocabulary import BayKind

_AHEAD_MAX = 7 * QUARTERS.count
_LIKELY, _UNLIKELY = 0.8, 0.4


class Likelihood(StrEnum):
    """A probability in a word."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    UNLIKELY = "unlikely"

    @classmethod
    def of(cls, probability: float) -> Likelihood:
        """At least 0.8, at least 0.4, less."""
        if probability >= _LIKELY:
            return cls.LIKELY
        return cls.POSSIBLE if probability >= _UNLIKELY else cls.UNLIKELY


class LikelyFree(BaseModel):
    """Whether places of a lot will be free at a time."""

    model_config = ConfigDict(frozen=True)

    site: str
    lot: str
    kind: BayKind
    at: datetime
    places: int = Field(description="that are wanted")
    bays: int = Field(description="of the kind, with a known state: the others are never free")
    probability: float | None = Field(description="0 to 1; null: it cannot be said")
    likelihood: Likelihood | None = Field(
        description="likely from 0.8, possible from 0.4; null: it cannot be said"
    )
    reason: str | None = Field(description="why it cannot be said; null if it can")


def likely_free(
    session: Session, now: Now, lots: Iterable[Lot], at: datetime, kind: BayKind, places: int = 1
) -> list[LikelyFree]:
    """How likely lots will have free places of a kind at a time.

    Args:
        session: to read with.
        now: the moment.
        lots: which.
        at: aware, within the next seven days.
        kind: of bay; kept ones cannot be asked for.
        places: how many are wanted.

    Returns:
        Of each lot, in the order of site and lot. Unknown is never free: places are those of the
        bays whose state is known now, and a lot whose data stopped has no figure.

    Raises:
        ForecastError: `at` is in the past or too far ahead, or the kind is kept for somebody.
    """
    ahead = (to_ms(at) - now.now_ms) // (QUARTERS.step_min * 60_000)
    if not 0 <= ahead <= _AHEAD_MAX:
        msg = f"expected a time within the next seven days, but got {at.isoformat()}"
        raise ForecastError(msg)
    if kind in KEPT_KINDS:
        msg = f"expected a kind of bay that drivers may use, but got {kind}"
        raise ForecastError(msg)
    by_site: dict[str, list[str]] = defaultdict(list)
    for site, lot in lots:
        by_site[site].append(lot)
    found = []
    for site, some in sorted(by_site.items()):
        bays = parts_now(session, now, site, some)
        parts = {lot: _part_of(bays.get(lot, {}), kind) for lot in sorted(some)}
        forecasts = SiteForecasts.of(session, now, site, some[0] if len(some) == 1 else None)
        split = [lot for lot, part in parts.items() if part is not None and part.kind]
        if split:
            forecasts = forecasts.with_parts(session, split)
        for lot, part in parts.items():
            known, said = _chance(forecasts, lot, part, max(1, ahead), places)
            chance, reason = (said, None) if isinstance(said, float) else (None, said)
            found.append(
                LikelyFree(
                    site=site,
                    lot=lot,
                    kind=kind,
                    at=at,
                    places=places,
                    bays=known,
                    probability=None if chance is None else round(chance, 3),
                    likelihood=None if chance is None else Likelihood.of(chance),
                    reason=reason,
                )
            )
    return found


def _part_of(bays: Mapping[Part, Counts], kind: BayKind) -> LotPart | None:
    """The bays of a kind; None where a lot has none."""
    kinds = {each for _, each in bays}
    if kind not in kinds:
        return None
    return LotPart() if len(kinds) == 1 else LotPart(kind=kind)


def _chance(
    forecasts: SiteForecasts, lot: str, part: LotPart | None, ahead: int, places: int
) -> tuple[int, float | str]:
    """How many bays are known, and the probability or why there is none."""
    if part is None:
        return 0, "the lot has no bays of this kind"
    counts = forecasts.counts.get(part.name(lot), Counts())
    bays = counts.occupied + counts.free
    if bays == 0:
        return 0, "the state of no bay is known now"
    if places > bays:
        return bays, 0.0
    try:
        [forecast] = forecasts.forecast(part.name(lot), [ahead])
    except ForecastError as exc:
        return bays, str(exc)
    # Half a bay, as the free ones come in whole numbers.
    return bays, forecast.chance_below(1 - (places - 0.5) / bays)
