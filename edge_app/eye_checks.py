"""Bays that a person should judge by eye, and what the answers are used for."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration import Calibration
from edge_app.alarms import Alarm, AlarmKind
from edge_app.delivery import StoreError
from edge_app.delivery.documents import Documents
from telemetry.vocabulary import BayId
from vision.bay_bias import MAX_ANSWERS, Answer, biased, fit_bias
from vision.contradiction import ContradictionWatch
from vision.evidence import to_log_odds
from vision.types import BayEvidence

_log = logging.getLogger(__name__)

MAX_NAMED = 8
"""Bays that the alarm names; its text is one line."""


class _Kept(BaseModel):
    """Answers on one bay, and what they hold for."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    outline: str
    model: str
    answers: tuple[tuple[float, bool], ...] = Field(max_length=MAX_ANSWERS)


class _Document(BaseModel):
    """All answers of a camera, as the store keeps them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bays: dict[BayId, _Kept] = {}


class EyeChecks:
    """Watches for lasting contradictions, and keeps what people answered.

    An answer holds for the bay's outline and the network that it was given for: with another of
    either it says nothing, and goes. Used by one thread at a time, but for `wanted`.

    Args:
        camera: the camera's id.
        documents: of the store, where answers outlive a restart.
    """

    def __init__(self, camera: str, documents: Documents) -> None:
        self._name = f"answers/{camera}"
        self._documents = documents
        self._kept = self._read()
        self._bias: Mapping[str, float] = {}
        self._outlines: Mapping[str, str] = {}
        self._model = ""
        self._watch = ContradictionWatch(())
        self._last: BayEvidence | None = None
        self._wanted: tuple[str, ...] = ()

    def use(self, calibration: Calibration | None, model_sha256: str | None) -> None:
        """Go over to another calibration or network; None: there is none yet."""
        bays = () if calibration is None else calibration.bays
        ids = tuple(bay.id for bay in bays)
        if ids != tuple(self._outlines) or (model_sha256 or "") != self._model:
            self._watch, self._wanted = ContradictionWatch(ids), ()
        self._outlines = {bay.id: _digest(bay.polygon) for bay in bays}
        self._model, self._last = model_sha256 or "", None
        if calibration is not None and model_sha256 is not None:
            held = {bay: each for bay, each in self._kept.items() if self._holds(bay, each)}
            if held != self._kept:
                self._keep(held)
        self._fit()

    def settle(self, evidence: BayEvidence, mono_s: float) -> BayEvidence:
        """The evidence of a frame with what people taught, without lasting contradictions."""
        ids = tuple(self._outlines)
        self._last = evidence
        found = self._watch.look(biased(evidence, ids, self._bias), mono_s, self._kept.keys())
        self._wanted = self._watch.lasting()
        return found

    def wanted(self) -> tuple[str, ...]:
        """The bays that a person should judge, in the calibration's order."""
        return self._wanted

    @property
    def has_judged(self) -> bool:
        """Whether an image was judged that an answer can be about."""
        return self._last is not None

    def confirm(self, bay: str, *, occ: bool) -> None:
        """Take a person's word on a bay; it counts from the next frame on.

        The word is about the last judged frame. Without one it teaches nothing, and is dropped.
        """
        if bay not in self._outlines or self._last is None:
            _log.warning("%s: no judged image of bay %s: the answer is dropped", self._name, bay)
            return
        place = list(self._outlines).index(bay)
        log_odds = float(to_log_odds(np.asarray(self._last.prob[place])))
        known = self._kept.get(bay)
        answers = (*(() if known is None else known.answers), (round(log_odds, 3), occ))
        kept = _Kept(outline=self._outlines[bay], model=self._model, answers=answers[-MAX_ANSWERS:])
        self._keep({**self._kept, bay: kept})
        self._wanted = tuple(each for each in self._wanted if each != bay)
        self._fit()
        _log.info("bay %s: judged by eye, offset %+.2f", bay, self._bias[bay])

    def _holds(self, bay: str, kept: _Kept) -> bool:
        return kept.outline == self._outlines.get(bay) and kept.model == self._model

    def _fit(self) -> None:
        self._bias = {
            bay: fit_bias(Answer(log_odds, occ) for log_odds, occ in each.answers)
            for bay, each in self._kept.items()
            if self._holds(bay, each)
        }

    def _keep(self, kept: Mapping[str, _Kept]) -> None:
        self._kept = dict(kept)
        try:
            self._documents.put(self._name, _Document(bays=self._kept).model_dump_json())
        except StoreError as exc:  # it counts until the next restart
            _log.warning("%s: cannot be kept: %s", self._name, exc)

    def _read(self) -> dict[str, _Kept]:
        body = self._documents.get(self._name)
        try:
            return {} if body is None else _Document.model_validate_json(body).bays
        except ValidationError as exc:
            _log.warning("cannot read %s, answers are asked for again: %s", self._name, exc)
            return {}


def eye_alarm(camera: str, wanted: tuple[str, ...]) -> Alarm | None:
    """What the installer is told; None while no bay is to be judged."""
    if not wanted:
        return None
    named = ", ".join(wanted[:MAX_NAMED]) + (", ..." if len(wanted) > MAX_NAMED else "")
    what = "this bay" if len(wanted) == 1 else f"these {len(wanted)} bays"
    return Alarm(
        AlarmKind.EYE,
        f"camera {camera}: judge {what} by eye: {named}",
        "Bay head and vehicle boxes contradict each other for long; the state is unknown.",
        "Look at the bay on the live page and say there whether a vehicle is in it. The answer is "
        "used from then on.",
        camera,
    )


def _digest(polygon: object) -> str:
    return hashlib.sha256(repr(polygon).encode()).hexdigest()[:16]
