"""Running one command: its module, its errors, and no secret in what it prints."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Mapping
from typing import Any

import typer
from rich.console import Console
from typer.main import get_command

from edge_app.addresses import register_address
from edge_app.redaction import guard_output, mask_error, mask_secrets
from telemetry.errors import ConfigError, LotsightError

# ClickException, which Typer brings along and gives no name to.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[2]


def run_command(name: str, arguments: list[str], commands: Mapping[str, tuple[str, str]]) -> int:
    """Run a command; an error of ours is one red line and exit code 1, no traceback.

    Secrets in addresses on the command line are registered before anything is done with them, and
    no error shows one, ours or not.

    Args:
        name: of the command.
        arguments: behind it.
        commands: module and help line of each command.

    Returns:
        The exit code.
    """
    guard_output()
    for argument in (name, *arguments):
        for text in (argument, argument.partition("=")[2]):  # an option's value, too
            # A login is one without `rtsp://` before it, too.
            register_address(text if "://" in text or "@" not in text else f"address://{text}")
    try:
        # Not Typer's own way out: it prints what was typed, and tracebacks with all that they hold.
        command = get_command(_load(name, commands))
        code = command.main(arguments, prog_name=f"lotsight {name}", standalone_mode=False)
    except LotsightError as exc:
        _print_error(str(exc))
        return 1
    except typer.Abort:
        _print_error("aborted")
        return 1
    except _USAGE_ERROR as exc:
        context = getattr(exc, "ctx", None)
        if context is not None:
            sys.stderr.write(f"{context.get_usage()}\n")
        _print_error(exc.format_message())
        return int(exc.exit_code)
    except Exception as exc:
        sys.stderr.write(mask_error(exc))
        return 1
    return code if isinstance(code, int) else 0


def _print_error(text: str) -> None:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print("error:", style="bold red", end=" ")
    console.print(mask_secrets(text), markup=False)


def _load(name: str, commands: Mapping[str, tuple[str, str]]) -> typer.Typer:
    if name not in commands:
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        msg = f"expected one of {', '.join(commands)}, but got '{name}'.{hint}"
        raise ConfigError(msg)
    module_name, _ = commands[name]
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as exc:
        raise ConfigError(_remedy(name, module_name, str(exc.name))) from exc
    app: typer.Typer = module.app
    return app


def _remedy(name: str, module_name: str, missing: str) -> str:
    if missing.split(".", maxsplit=1)[0] == "datasets" or module_name.startswith(missing):
        return (
            f"`lotsight {name}` needs a source checkout: '{missing}' is not part of an installed "
            "lotsight."
        )
    return (
        f"`lotsight {name}` needs the Python module '{missing}', which is not installed: torch "
        "and ultralytics come with the extra lotsight[train], amqtt with lotsight[demo]."
    )
