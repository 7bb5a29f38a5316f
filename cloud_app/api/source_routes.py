"""What the sources of a bay say, a bay set by hand, and what drivers may take of a lot."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response, status
from pydantic import BaseModel, ConfigDict, Field

from cloud_app.accounts.audit import Subject, record
from cloud_app.accounts.keys import names_of
from cloud_app.api.context import ActorNow, Caller, Context, Reading
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Moment
from cloud_app.fleet.by_eye import BayByEye, bays_by_eye
from cloud_app.occupancy.bay_sources import BaySources, bay_sources
from cloud_app.storage.bay_words import take_back
from cloud_app.storage.database import Session
from cloud_app.storage.queries import availability
from cloud_app.storage.sources import SourceWord, tell
from cloud_app.storage.times import to_ms
from cloud_app.views import Availability
from sensors.reconcile import SourceKind
from telemetry import BayId, LotId, SiteId
from telemetry.messages import Occupancy

router = APIRouter(prefix="/api/v1", dependencies=[Bearer, KnownQuery], responses=REFUSALS)

_LONGEST = timedelta(days=31)
_WRONG = status.HTTP_422_UNPROCESSABLE_CONTENT
_BAY = "/lots/{site}/{lot}/bays/{bay}"


class SetByHand(BaseModel):
    """A bay's state, set manually."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Annotated[Occupancy, Field(description="occupied or free")]
    until: Moment = Field(description="with time zone; a month ahead at most")


@router.get("/lots/{site}/{lot}/availability", tags=["now"])
def get_availability(site: SiteId, lot: LotId, reading: Reading) -> list[Availability]:
    """What drivers may take of a lot, by kind of bay: capacity and free bays on one basis.

    Reserved and closed bays are in neither number, and a bay of which nothing is known is not free.
    """
    reading.lot(site, lot)
    return availability(reading.session, reading.now(), site, lot)


@router.get("/lots/{site}/{lot}/by-eye", tags=["now"])
def get_by_eye(site: SiteId, lot: LotId, reading: Reading) -> list[BayByEye]:
    """Bays that a person should judge by eye; the command `confirm_bay` takes the answer.

    A bay that was answered is left out until its box asks again.
    """
    reading.lot(site, lot)
    return bays_by_eye(reading.session, reading.now(), site, lot)


@router.get(_BAY + "/sources", tags=["now"])
def get_sources(site: SiteId, lot: LotId, bay: BayId, reading: Reading) -> BaySources:
    """Explain a bay's state: all sources, their reports, and which one is used."""
    found = bay_sources(reading.session, reading.now(), reading.site(site), lot, bay)
    if found is None:
        raise _no_bay(site, lot, bay)
    people = [each.source for each in found.sources if each.kind is SourceKind.MANUAL]
    names = names_of(reading.session, people)
    named = (
        each.model_copy(update={"name": names.get(each.source, each.name)})
        for each in found.sources
    )
    return found.model_copy(update={"sources": tuple(named)})


@router.put(_BAY + "/manual", tags=["now"], status_code=status.HTTP_204_NO_CONTENT)
def put_manual(  # noqa: PLR0913, PLR0917 - FastAPI hands them over by name
    site: SiteId,
    lot: LotId,
    bay: Annotated[BayId, Path()],
    body: SetByHand,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Set a bay's state manually until a given time; it overrides the devices."""
    now = context.now()
    until_ms = to_ms(body.until)
    if body.state is Occupancy.UNKNOWN:
        raise HTTPException(_WRONG, "state: expected occupied or free, but got unknown")
    if not now.now_ms < until_ms <= now.now_ms + _LONGEST / timedelta(milliseconds=1):
        raise HTTPException(
            _WRONG, f"until: expected a time within the next 31 days, but got {body.until}"
        )
    with context.database.write() as session:
        before = _before(session, context, access, (site, lot, bay))
        take_back(session, site, lot, bay, now.now_ms)
        tell(
            session,
            [
                SourceWord(
                    site=site,
                    lot=lot,
                    bay=bay,
                    source=actor.name,
                    kind=SourceKind.MANUAL,
                    occ=body.state is Occupancy.OCCUPIED,
                    reason=None,
                    since_ms=now.now_ms,
                    heard_ms=now.now_ms,
                    until_ms=until_ms,
                )
            ],
        )
        record(
            session,
            actor,
            "bay.set_by_hand",
            _subject(context, session, site, lot, bay),
            before,
            {"state": body.state.value, "until": body.until.isoformat()},
        )
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete(_BAY + "/manual", tags=["now"], status_code=status.HTTP_204_NO_CONTENT)
def delete_manual(
    site: SiteId,
    lot: LotId,
    bay: Annotated[BayId, Path()],
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Remove a manual state of a bay."""
    with context.database.write() as session:
        before = _before(session, context, access, (site, lot, bay))
        if take_back(session, site, lot, bay, context.now().now_ms):
            subject = _subject(context, session, site, lot, bay)
            record(session, actor, "bay.left_to_devices", subject, before, None)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


def _before(
    session: Session, context: Context, access: Caller, place: tuple[str, str, str]
) -> dict[str, str]:
    """The bay's state, if the caller may change it."""
    found = None
    if access.sites.sees(place[0]):
        found = bay_sources(session, context.now(), *place)
    if found is None:
        raise _no_bay(*place)
    return {"state": found.state.value, "why": found.why.value}


def _subject(context: Context, session: Session, site: str, lot: str, bay: str) -> Subject:
    return Subject("bay", f"{site}/{lot}/{bay}", context.owner(session, site))


def _no_bay(site: str, lot: str, bay: str) -> HTTPException:
    return HTTPException(status.HTTP_404_NOT_FOUND, f"no bay {bay!r} in lot {lot!r} at {site!r}")
