"""One way to read a JSON file that is a value of ours, with errors that name file and field."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from datasets.errors import DatasetError

Document = TypeVar("Document", bound=BaseModel)


def read_document(path: Path, kind: type[Document], name: str, missing: str) -> Document:
    """Read a file.

    Args:
        path: of the file.
        kind: what it holds.
        name: place of a fault that belongs to no field.
        missing: what to say before the reason where it cannot be read.

    Raises:
        DatasetError: there is none, or it is damaged; the text names the field.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as exc:
        msg = f"{path}: {missing}: {exc.strerror}"
        raise DatasetError(msg) from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(map(str, first["loc"])) or name
        msg = f"{path}: {place}: {first['msg']} ({exc.error_count()} faults in all)"
        raise DatasetError(msg) from exc
