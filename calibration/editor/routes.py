"""One JSON endpoint for each thing that an editing session can do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

import cv2
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from calibration.editor.documents import (
    CheckRequest,
    Draft,
    ExportRequest,
    EyeAnswer,
    PictureRequest,
    ProposeRequest,
    RollbackRequest,
    SaveRequest,
    TabId,
)
from calibration.editor.guard import TOKEN_HEADER
from calibration.editor.judging import EyeQuestions
from calibration.editor.session import EditorSession, ImportChoice
from calibration.editor.views import (
    AlignView,
    ByEye,
    FindingList,
    ImportedBays,
    JudgedBays,
    ProposalList,
    RevisionList,
    Saved,
    SavedRevision,
    SessionView,
)
from calibration.types import Calibration
from telemetry.errors import CameraError

# The page asks for the camera `_` when its address names none.
ANY_CAMERA = "_"
_JPEG_QUALITY = 90
LARGEST_BODY = 16 * 1024 * 1024

router = APIRouter(prefix="/api/{camera}")


@dataclass(frozen=True, slots=True)
class EditorSettings:
    """How the editor is served.

    Attributes:
        author_of: who saves, from the request; kept with each revision.
        hosts: values of the Host header that are served; empty: any.
        saved: called with each saved calibration, once it is on disk.
        home: address of the pages that the editor is part of; None: it stands alone.
        applies: whether a running box loads what is saved.
        by_eye: which bays a person should judge; None: nothing runs that could ask.
        saved_hint: what becomes of what is saved, in a sentence for people.
    """

    author_of: Callable[[Request], str]
    hosts: Collection[str] = ()
    saved: Callable[[str, Calibration], None] | None = None
    home: str | None = None
    applies: bool = False
    by_eye: EyeQuestions | None = None
    saved_hint: str = ""


@dataclass(frozen=True, slots=True)
class EditorState:
    """What the endpoints work with.

    Attributes:
        sessions: gives the cameras that can be calibrated.
        settings: how the editor is served.
        token: that every change must carry.
        token_header: in which header.
    """

    sessions: Callable[[], Sequence[EditorSession]]
    settings: EditorSettings
    token: str
    token_header: str = TOKEN_HEADER


def state_of(request: Request) -> EditorState:
    """What the endpoints work with; `app.state.editor` gives it for a request."""
    state: EditorState = request.app.state.editor(request)
    return state


State = Annotated[EditorState, Depends(state_of)]


def session_of(camera: str, state: State) -> EditorSession:
    """The editing session of a camera.

    Raises:
        HTTPException: 404, there is no such camera.
    """
    known = {session.camera: session for session in state.sessions()}
    if camera == ANY_CAMERA and known:
        return next(iter(known.values()))
    if camera not in known:
        raise HTTPException(404, f"expected a camera ({', '.join(known)}), but got '{camera}'")
    return known[camera]


SessionOf = Annotated[EditorSession, Depends(session_of)]


def author_of(request: Request, state: State) -> str:
    """Who makes the request."""
    return state.settings.author_of(request)


Author = Annotated[str, Depends(author_of)]


@router.get("/session")
def start(session: SessionOf, state: State, author: Author) -> SessionView:
    """All that the page needs to begin, and the token for what it will change."""
    return SessionView(
        **dict(session.summary()),
        cameras=tuple(other.camera for other in state.sessions()),
        token=state.token,
        token_header=state.token_header,
        author=author,
        home=state.settings.home,
        applies=state.settings.applies,
        saved_hint=state.settings.saved_hint,
    )


@router.get("/picture")
def picture(session: SessionOf, time_s: float = 0.0) -> Response:
    """An image, as JPEG."""
    good, buffer = cv2.imencode(
        ".jpg", session.picture(time_s), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not good:
        msg = f"{session.pictures.name}: expected an image that can be displayed, but got none"
        raise CameraError(msg)
    return Response(buffer.tobytes(), media_type="image/jpeg")


@router.post("/check")
def check(session: SessionOf, body: CheckRequest) -> FindingList:
    """What is wrong with a document."""
    return FindingList(findings=session.check(body.document, deep=body.deep))


@router.post("/live")
def live(session: SessionOf, body: PictureRequest) -> JudgedBays:
    """What the network sees in each bay of a document."""
    return JudgedBays(states=session.live(body))


@router.get("/by-eye")
def asked_by_eye(session: SessionOf, state: State) -> ByEye:
    """Bays that a person should judge by eye, since the evidence on them contradicts itself."""
    questions = state.settings.by_eye
    return ByEye(bays=() if questions is None else questions.wanted(session.camera))


@router.post("/by-eye", status_code=204)
def answer_by_eye(session: SessionOf, body: EyeAnswer, state: State) -> None:
    """Say whether a vehicle is in a bay; the box uses it for this bay from the next image on."""
    questions = state.settings.by_eye
    present = session.present()
    if questions is None or present is None or body.bay not in present.bay_ids:
        raise HTTPException(404, f"expected a bay in use of {session.camera}, but got {body.bay!r}")
    questions.confirm(body.bay, body.occupied)


@router.post("/propose")
def propose(session: SessionOf, body: ProposeRequest) -> ProposalList:
    """Bays that a document lacks."""
    return ProposalList(proposals=session.propose(body))


@router.post("/align")
def align(session: SessionOf, body: PictureRequest) -> AlignView:
    """Where a moved camera sees the bays of a document."""
    return session.align(body)


@router.put("/draft/{tab}", status_code=204)
def keep_draft(session: SessionOf, tab: TabId, body: Draft) -> None:
    """Keep what a tab has drawn."""
    session.drafts.put(body.model_copy(update={"tab": tab}))


@router.delete("/draft/{tab}", status_code=204)
def forget_draft(session: SessionOf, tab: TabId) -> None:
    """Forget what a tab has drawn."""
    session.drafts.remove(tab)


@router.post("/save")
def save(session: SessionOf, body: SaveRequest, state: State, author: Author) -> Saved:
    """Save a document as the next revision."""
    return _done(session, session.save(body, author), state)


@router.post("/rollback")
def roll_back(session: SessionOf, body: RollbackRequest, state: State, author: Author) -> Saved:
    """Bring a revision back."""
    return _done(session, session.roll_back(body, author), state)


def _done(session: EditorSession, calibration: Calibration, state: EditorState) -> Saved:
    if state.settings.saved is not None:
        state.settings.saved(session.camera, calibration)
    return Saved(calibration=calibration, revisions=session.revisions())


@router.get("/revisions")
def revisions(session: SessionOf) -> RevisionList:
    """The saved revisions."""
    return RevisionList(revisions=session.revisions())


@router.get("/revisions/{number}")
def revision(session: SessionOf, number: int) -> SavedRevision:
    """One saved revision."""
    return SavedRevision(calibration=session.revision(number))


def import_choice(
    format: str = "auto",  # noqa: A002 - the name that the page writes
    item: str = "",
    category: Annotated[tuple[str, ...], Query()] = (),
    box: str = "",
    stretch: bool = False,
) -> ImportChoice:
    """What the page says of a file to import."""
    return ImportChoice(format, item, category, box, stretch)


@router.post("/import")
async def take_in(
    session: SessionOf,
    request: Request,
    choice: Annotated[ImportChoice, Depends(import_choice)],
    name: str = "upload",
) -> ImportedBays:
    """Bays of another tool's file, which is the body."""
    return session.take_in(name, await request.body(), choice)


@router.post("/export")
def give_out(session: SessionOf, body: ExportRequest) -> Response:
    """A document as another tool's file."""
    name, text = session.give_out(body.document, body.format)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="application/octet-stream", headers=headers)
