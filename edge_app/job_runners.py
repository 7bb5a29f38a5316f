"""What a box does for each kind of job."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from edge_app.alarm_texts import software_alarm
from edge_app.box import EdgeBox
from edge_app.calibration_edits import CalibrationEdits
from edge_app.config import RolloutConfig
from edge_app.delivery.rollout import JobRunner
from edge_app.delivery.slots import TwoSlots
from edge_app.delivery.tuf_client import TufFetcher
from edge_app.harvest.shipping import HarvestShipping
from edge_app.network import ModelFiles
from edge_app.rollouts import CalibrationRollout, model_rollout
from edge_app.settings_rollout import SettingsRollout
from edge_app.software.install import Installer
from edge_app.software.rollout import SoftwareRollout
from edge_app.version import version
from telemetry.aws import JobKind


def job_runners(
    box: EdgeBox, models: ModelFiles, slots: TwoSlots | None
) -> Mapping[JobKind, JobRunner]:
    """What is done for jobs; kinds that this box does not do are missing."""
    settings: dict[JobKind, JobRunner] = {}
    if box.remote is not None:
        settings[JobKind.CONFIG] = SettingsRollout(box.remote, box.config.remote.trial_s)
    return {
        **_rollouts(box, models, slots),
        **settings,
        **_software_jobs(box),
        **_harvest_jobs(box),
    }


def _rollouts(
    box: EdgeBox, models: ModelFiles, slots: TwoSlots | None
) -> Mapping[JobKind, JobRunner]:
    """What is done for the jobs that roll something out; without `[rollout]` edits alone."""
    config, allowed = box.config.rollout, box.config.remote.allows_changes
    edits = partial(CalibrationEdits, box.cameras, box.live_state.image, allowed)
    if config is None or slots is None:
        return {JobKind.CALIBRATION: edits()}
    fetcher = _fetcher(config, _folder(box))
    signed = CalibrationRollout(box.cameras, fetcher, _folder(box) / "calibration")
    model = model_rollout(slots, fetcher, models, box.network, box.scheduler.post)
    return {JobKind.MODEL: model, JobKind.CALIBRATION: edits(signed)}


def _software_jobs(box: EdgeBox) -> Mapping[JobKind, JobRunner]:
    """The job that rolls out software; nothing without a launcher or `[rollout]`."""
    config, trial, remote = box.config.rollout, box.software, box.remote
    if config is None or trial is None or remote is None:
        return {}
    if trial.slots.refused:
        box.alarms.set(software_alarm(trial.slots.refused, trial.slots.reason))
    rollout = SoftwareRollout(
        trial=trial,
        fetcher=_fetcher(config, _folder(box)),
        installer=Installer(remote.path),
        version=version(),
        trial_s=box.config.remote.trial_s,
        working=box.status.working_cameras,
        busy=lambda: "settings from the cloud are on trial" if remote.is_trying else "",
        restart=box.restart.ask,
    )
    return {JobKind.SOFTWARE: rollout}


def _harvest_jobs(box: EdgeBox) -> Mapping[JobKind, JobRunner]:
    """The job that sends kept frames; nothing where no host may get them."""
    if box.kept is None or not box.config.harvest.upload_hosts:
        return {}
    shipping = HarvestShipping(box.config, box.kept, box.clock, box.network.model_ref)
    return {JobKind.HARVEST: shipping}


def _folder(box: EdgeBox) -> Path:
    return box.config.edge.state_dir / "rollout"


def _fetcher(config: RolloutConfig, folder: Path) -> TufFetcher:
    return TufFetcher(config.repository, config.root_file, folder / "metadata")
