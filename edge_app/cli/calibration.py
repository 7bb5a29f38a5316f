"""`lotsight calibration`: its commands, with the models that some of them need."""

from __future__ import annotations

import typer

from calibration.cli import app as commands
from edge_app.cli.reference import reference
from models import ModelEntry, default_model, find_model, open_detector
from vision.judge import Detector
from vision.types import NetworkSpec

app = typer.Typer(
    help="Check, import, show and revise calibration files.",
    no_args_is_help=True,
    add_completion=False,
)


class Models:
    """The models of this machine, as `calibration.commands.common.ModelAccess`."""

    def spec(self, name: str | None) -> NetworkSpec:
        """What a model is; None: the default one."""
        return self._entry(name).manifest.spec()

    def detector(self, name: str | None) -> Detector:
        """Open a model; None: the default one."""
        return open_detector(self._entry(name))

    @staticmethod
    def _entry(name: str | None) -> ModelEntry:
        return default_model() if name is None else find_model(name)


@app.callback()
def with_models(context: typer.Context) -> None:
    """Give the commands access to the models."""
    context.obj = Models()


app.add_typer(commands)
app.command("reference")(reference)  # it opens cameras, which calibration knows nothing of
