"""The published form of a calibration file, for other tools: JSON Schema 2020-12.

`calibration/schema/calibration-1.schema.json` is made from the types by `lotsight calibration
schema`; a test holds the two together. It says what one object can say; rules between bays
(overlap, ids used twice) are those of `check_calibration`.
"""

from __future__ import annotations

import json
from typing import Any

from calibration.types import SCHEMA_VERSION, Calibration

SCHEMA_FILE = f"calibration-{SCHEMA_VERSION}.schema.json"


def json_schema() -> dict[str, Any]:
    """The schema, made from the types."""
    made = Calibration.model_json_schema(mode="validation")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:lotsight:calibration:{SCHEMA_VERSION}",
    }
    return {**head, **made, "title": "lotsight calibration"}


def format_schema() -> str:
    """The schema as the text of its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
