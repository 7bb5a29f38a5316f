"""Jobs: takes the next one, runs it in its own thread, and reports the result."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Mapping, Sequence

from pydantic import ValidationError

from edge_app.delivery.agent import Publish
from edge_app.delivery.agents.base import QuietAgent
from edge_app.delivery.connection import Outgoing
from edge_app.delivery.rollout import JobRunner
from edge_app.delivery.slots import RolloutError
from edge_app.redaction import mask_secrets
from edge_app.worker import Worker
from telemetry.aws import (
    ErrorResponse,
    JobDocument,
    JobExecution,
    JobKind,
    JobStatus,
    JobTopics,
    JobUpdate,
    NextJob,
    StartNextJob,
)
from telemetry.errors import LotsightError
from telemetry.messages import decode
from telemetry.payload_checks import describe
from telemetry.topics import TopicFilter

_log = logging.getLogger(__name__)

MAX_DETAIL = 1024


class JobAgent(QuietAgent):
    """Runs one job after another. A job interrupted by a power cut is delivered and run again.

    Args:
        thing: the box.
        root: `$aws`, or what stands for it.
        rollouts: how each kind is rolled out; a kind that is missing is rejected.
        wake: tells the link that there is something to tell.
    """

    def __init__(
        self,
        thing: str,
        root: str,
        rollouts: Mapping[JobKind, JobRunner],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._topics = JobTopics(thing, root)
        self._rollouts = dict(rollouts)
        self._wake = wake
        self._worker = Worker("jobs")
        self._current: JobExecution | None = None
        self._outcomes: queue.SimpleQueue[tuple[JobExecution, JobUpdate]] = queue.SimpleQueue()
        self._untold: dict[str, JobUpdate] = {}

    def filters(self) -> Sequence[TopicFilter]:
        """Announcements and answers."""
        return (
            TopicFilter(str(self._topics.notify_next)),
            TopicFilter(str(self._topics.start_next_accepted)),
            self._topics.update_answers,
        )

    def connected(self, publish: Publish) -> None:
        """Report what finished while the link was down, and request the next job."""
        super().connected(publish)
        for job_id, update in self._untold.items():
            publish(Outgoing(self._topics.update(job_id), update.encode()))
        self._ask()

    def message(self, topic: str, payload: bytes) -> None:
        """A job, or the answer to an update.

        Raises:
            TelemetryError: it is neither.
        """
        if topic == str(self._topics.notify_next):
            if decode(NextJob, payload, topic).execution is not None:
                self._ask()
        elif topic == str(self._topics.start_next_accepted):
            execution = decode(NextJob, payload, topic).execution
            if execution is not None:
                self._begin(execution)
        else:
            self._answered(topic, payload)

    def tick(self, now_s: float) -> None:
        """Report what finished."""
        while not self._outcomes.empty():
            execution, update = self._outcomes.get()
            self._current = None
            self._tell(execution.job_id, update)

    def _ask(self) -> None:
        if self._publish is not None and self._current is None:
            self._publish(Outgoing(self._topics.start_next, StartNextJob().encode()))

    def _begin(self, execution: JobExecution) -> None:
        if self._current is not None or execution.job_id in self._untold:
            return
        try:
            document = JobDocument.model_validate(execution.job_document)
        except ValidationError as exc:
            self._tell(
                execution.job_id,
                _update(execution, JobStatus.REJECTED, describe(exc, "job document")),
            )
            return
        rollout = self._rollouts.get(document.kind)
        if rollout is None:
            detail = f"this box does not support roll-outs of {document.kind.value}"
            self._tell(execution.job_id, _update(execution, JobStatus.REJECTED, detail))
            return
        self._current = execution
        self._worker.do(lambda: self._do(execution, rollout, document))

    def _do(self, execution: JobExecution, rollout: JobRunner, document: JobDocument) -> None:
        """In the worker's thread."""
        try:
            update = _update(execution, JobStatus.SUCCEEDED, rollout.run(document))
        except RolloutError as exc:
            update = _update(execution, JobStatus.FAILED, str(exc))
        except Exception as exc:
            _log.exception("job %s failed", execution.job_id)
            update = _update(execution, JobStatus.FAILED, f"{type(exc).__name__}: {exc}")
        self._outcomes.put((execution, update))
        self._wake()

    def _tell(self, job_id: str, update: JobUpdate) -> None:
        _log.info("job %s: %s %s", job_id, update.status.value, update.status_details)
        self._untold[job_id] = update
        if self._publish is not None:
            self._publish(Outgoing(self._topics.update(job_id), update.encode()))

    def _answered(self, topic: str, payload: bytes) -> None:
        job_id, _, answer = topic.removeprefix(f"{self._topics.base}/").split("/")
        if self._untold.pop(job_id, None) is None:
            return
        if answer == "rejected":
            # Another version than ours: the service moved on, and says so with the next job.
            try:
                _log.warning("job %s: %s", job_id, decode(ErrorResponse, payload, topic).text)
            except LotsightError as exc:
                _log.warning("job %s: update rejected: %s", job_id, exc)
        self._ask()


def _update(execution: JobExecution, status: JobStatus, detail: str) -> JobUpdate:
    return JobUpdate(
        status=status,
        expected_version=execution.version_number,
        status_details={"detail": mask_secrets(detail)[:MAX_DETAIL]},
        client_token=execution.job_id,
    )
