"""A box with one camera that hands its calibration over and takes edits, by the box's own code."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import cv2
import numpy as np

from calibration import Bay, Calibration, Mask, load_calibration, save_calibration
from calibration.reference_files import store_reference
from cloud_app.config import FleetConfig
from cloud_app.fleet.commands import CommandFilter, CommandNow, listed
from cloud_app.fleet.progress import take_due
from cloud_app.fleet.worker import FleetWorker
from edge_app.calibration_edits import CalibrationEdits
from edge_app.delivery.agents.handlers import Answer, AnswerFile
from edge_app.delivery.slots import RolloutError
from edge_app.http.pictures import drawing_ground
from telemetry import EdgeTopics, LotsightError
from telemetry.aws import (
    JobDocument,
    JobStatus,
    JobTopics,
    JobUpdate,
    NextJob,
    ShadowName,
    ShadowTopics,
    StartNextJob,
)
from telemetry.commands import CommandName, CommandPart, CommandResult, CommandStatus
from telemetry.shadow import JsonObject, ShadowUpdate
from tests.cloud_app.hub import Hub
from tests.cloud_app.test_command_routes import Wire
from vision.privacy import PrivacySettings

WH = (640, 480)
WINDOW = Mask(name="window", polygon=((0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1)))


def square(bay: str, x: float, y: float = 0.4) -> Bay:
    """A bay of 80 x 96 pixels."""
    return Bay(
        id=bay, polygon=((x, y), (x + 0.125, y), (x + 0.125, y + 0.2), (x, y + 0.2)), zone=None
    )


def lot_image() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Grey ground with white lines."""
    noise = np.random.default_rng(5).normal(110, 12, (WH[1], WH[0])).astype(np.float32)
    image = cv2.merge([np.clip(cv2.GaussianBlur(noise, (0, 0), 2), 0, 255).astype(np.uint8)] * 3)
    for x in range(64, 640, 80):
        cv2.line(image, (x, 192), (x, 288), (230, 230, 230), 2, cv2.LINE_AA)
    return np.asarray(image, np.uint8)


class CalibratedBox:
    """The box's side: what it is asked by command and by job, when the test lets it."""

    def __init__(self, hub: Hub, folder: Path, site: str, edge: str, camera: str) -> None:
        self.hub, self.camera, self.image = hub, camera, lot_image()
        self.file = folder / f"{camera}.json"
        self.topics, self.jobs = EdgeTopics(site, edge), JobTopics(edge)
        self.wire = Wire()
        self.edits = CalibrationEdits(self, lambda _camera: self.image, allowed=True)
        self._worker = FleetWorker(
            hub.database, self.wire, FleetConfig(), "pk", "$aws", hub.clock, lambda: True
        )

    def draw(self, *bays: Bay, base: int = 0, author: str = "ina") -> Calibration:
        """Somebody at the box saves these bays."""
        reference = store_reference(self.file, self.image)
        drawn = Calibration(
            camera=self.camera, image_wh=WH, bays=bays, masks=(WINDOW,), reference=reference
        )
        saved = save_calibration(self.file, drawn, author=author, expected_revision=base)
        self.tell()
        return saved

    def tell(self) -> None:
        """Report what is in use."""
        revision = load_calibration(self.file).revision if self.file.exists() else 0
        cameras: JsonObject = {self.camera: {"calibration": revision, "rate_hz": 1.0}}
        update = ShadowUpdate(reported={"cameras": cameras}, sections=frozenset({"reported"}))
        self.hub.shadows.update(ShadowTopics(self.topics.edge, ShadowName.CONFIG), update)

    def answer_commands(self) -> list[str]:
        """Answer what waits; gives the names."""
        with self.hub.database.write() as session:
            take_due(session, self.hub.context.now().now_ms)
            waiting = listed(session, CommandFilter(edge=self.topics.edge, is_open=True))
        for command in waiting:
            try:
                answer = self._answer(command)
            except LotsightError as exc:
                self._say(CommandResult(
                    id=command.id, status=CommandStatus.FAILED, at=self.hub.clock.utc(),
                    detail=str(exc),
                ))  # fmt: skip
                continue
            if answer.file is not None:
                self._send(command.id, answer.file)
            self._say(CommandResult(
                id=command.id, status=CommandStatus.DONE, at=self.hub.clock.utc(),
                result=dict(answer.result),
            ))  # fmt: skip
        return sorted(each.name for each in waiting)

    def _answer(self, command: CommandNow) -> Answer:
        if command.name == CommandName.CAMERA_REFERENCE:
            jpeg, found = drawing_ground(self.file, None, PrivacySettings())
            return Answer({"reference": found}, AnswerFile("r.jpg", "image/jpeg", jpeg))
        data = self.file.read_bytes()
        return Answer({}, AnswerFile(self.file.name, "application/json", data))

    def _send(self, command: str, file: AnswerFile) -> None:
        part = CommandPart(
            name=file.name, media_type=file.media_type, number=1, parts=1,
            sha256=hashlib.sha256(file.data).hexdigest(),
            data=base64.b64encode(file.data).decode(),
        )  # fmt: skip
        self._say(CommandResult(
            id=command, status=CommandStatus.RUNNING, at=self.hub.clock.utc(), part=part
        ))  # fmt: skip

    def _say(self, result: CommandResult) -> None:
        self._worker.take(str(self.topics.command_result(result.id)), result.encode())

    def do_job(self) -> str | None:
        """Do the next job; gives what the box says of it, None if there is none."""
        self._worker.take(str(self.jobs.start_next), StartNextJob().encode())
        job = NextJob.model_validate_json(self.wire.sent[-1][1]).execution
        if job is None:
            return None
        try:
            detail = self.edits.run(JobDocument.model_validate(job.job_document))
            status = JobStatus.SUCCEEDED
        except RolloutError as exc:
            detail, status = str(exc), JobStatus.FAILED
        update = JobUpdate(status=status, status_details={"detail": detail})
        self._worker.take(str(self.jobs.update(job.job_id)), update.encode())
        self.tell()
        return detail

    # -- what `CalibrationEdits` works with --------------------------------------------------------

    def calibration_file(self, camera: str) -> Path:
        assert camera == self.camera
        return self.file

    def check_layout(self, calibration: Calibration) -> None:
        assert calibration.camera == self.camera

    def reload_calibration(self, camera: str) -> Calibration:
        assert camera == self.camera
        return load_calibration(self.file)
