"""The review page as a web application: page, files, endpoints, and what errors become."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from calibration.editor import STATIC as EDITOR_STATIC
from calibration.editor import FreshFiles, Guard, reply_to_errors
from datasets.errors import AnswerNotKeptError
from datasets.labelling.journal import Answer, Entry, EntryId, Mode, Reviewer
from datasets.labelling.page.session import Ask, ReviewSession
from datasets.labelling.page.views import ProgressView, QuestionList, SessionView, Undone
from http_server.bodies import BodyGuard
from pages import SHARED
from telemetry import Clock, SystemClock

STATIC = Path(__file__).parent / "static"
MOST_ANSWERS = 64
"""On one screen; more would be no screen."""
_LARGEST_BODY = 1024 * 1024
_FOREVER = "private, max-age=86400, immutable"

router = APIRouter(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AskBody(_Body):
    """Which questions the page wants."""

    reviewer: Reviewer
    mode: Mode
    count: Annotated[int, Field(ge=1, le=MOST_ANSWERS)]
    have: Annotated[tuple[str, ...], Field(max_length=4 * MOST_ANSWERS)] = ()


class AnswersBody(_Body):
    """The answers of one screen."""

    id: EntryId
    reviewer: Reviewer
    mode: Mode
    spent_s: Annotated[float, Field(ge=0, le=86_400)]
    answers: Annotated[tuple[Answer, ...], Field(min_length=1, max_length=MOST_ANSWERS)]


class UndoBody(_Body):
    """Take the newest action back."""

    id: EntryId
    reviewer: Reviewer


def create_review_app(
    session: ReviewSession, reviewer: str, hosts: Collection[str] = (), clock: Clock | None = None
) -> FastAPI:
    """The review page of one queue.

    Args:
        session: the queue.
        reviewer: who is offered as the name until another is typed.
        hosts: values of the Host header that are served; empty: any.
        clock: gives the time of answers.
    """
    app = FastAPI(title="lotsight label review", docs_url=None, redoc_url=None)
    app.state.session, app.state.reviewer = session, reviewer
    app.state.clock = clock or SystemClock()
    app.state.token = secrets.token_urlsafe(24)
    app.add_api_route("/", _page, include_in_schema=False)
    app.include_router(router)
    app.mount("/static", FreshFiles(directory=STATIC), name="static")
    app.mount("/editor", FreshFiles(directory=EDITOR_STATIC), name="editor")
    app.mount("/shared", FreshFiles(directory=SHARED), name="shared")
    app.add_middleware(BodyGuard, max_bytes=_LARGEST_BODY)
    app.add_middleware(Guard, token=app.state.token, hosts=hosts)
    app.add_exception_handler(AnswerNotKeptError, _not_kept)
    reply_to_errors(app)
    return app


def _page() -> FileResponse:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


def _desk_of(request: Request) -> ReviewSession:
    session: ReviewSession = request.app.state.session
    return session


SessionOf = Annotated[ReviewSession, Depends(_desk_of)]
ReviewerQuery = Annotated[Reviewer, Query()]


@router.get("/session")
def start(request: Request, session: SessionOf) -> SessionView:
    """All that the page needs to begin, and the token for what it will change."""
    made = session.queue.made
    return SessionView(
        token=request.app.state.token,
        reviewer=request.app.state.reviewer,
        reviewers=tuple(session.reviewers()),
        queue=session.folder.resolve().name,
        model=f"{made.model.get('name', '')} {made.model.get('version', '')}".strip(),
        made=made.time,
    )


@router.get("/progress")
def progress(session: SessionOf, reviewer: ReviewerQuery) -> ProgressView:
    """How far the queue and a person are."""
    return session.progress(reviewer)


@router.post("/next")
def ask_next(session: SessionOf, body: AskBody) -> QuestionList:
    """The next questions; changes nothing but who is asked what."""
    ask = Ask(body.reviewer, body.mode, body.count, frozenset(body.have))
    return QuestionList(questions=session.batch(ask))


@router.post("/answers")
def answer(request: Request, session: SessionOf, body: AnswersBody) -> ProgressView:
    """Keep the answers of one screen; replied to when the disk has them."""
    entry = Entry(time=request.app.state.clock.utc(), **dict(body))
    session.save(entry)
    return session.progress(body.reviewer)


@router.post("/undo")
def undo(session: SessionOf, body: UndoBody) -> Undone:
    """Take a person's newest action back, and show its questions again."""
    undone = session.undo(body.id, body.reviewer)
    mode, questions = undone or (None, ())
    return Undone(mode=mode, questions=questions, progress=session.progress(body.reviewer))


@router.get("/crop/{item}/{side_px}.jpg")
def crop(session: SessionOf, item: str, side_px: int) -> Response:
    """A bay with its surroundings."""
    return _jpeg(session.pictures.crop(session.item(item), side_px))


@router.get("/frame/{frame_id}.jpg")
def frame(session: SessionOf, frame_id: str) -> Response:
    """A whole image, small."""
    return _jpeg(session.thumbnail(frame_id))


def _jpeg(content: bytes) -> Response:
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": _FOREVER})


def _not_kept(_request: Request, error: Exception) -> JSONResponse:
    """The disk is full or gone: the page holds the answer and tries again."""
    return JSONResponse({"detail": {"message": str(error)}}, 507)
