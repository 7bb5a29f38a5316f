"""The example of docs/own-model.md is a manifest that is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

from models.manifest import Manifest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-model.md"


def test_the_manifest_in_the_page_is_read() -> None:
    [block] = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    manifest = Manifest.model_validate(json.loads(block) | {"sha256": "0" * 64})
    assert manifest.spec().vehicle_classes == {0, 1}
