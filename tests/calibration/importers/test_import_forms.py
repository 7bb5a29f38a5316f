"""Every form: bays, ids and what is left out, found by content, in every encoding of text."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration import Code
from calibration.importers import Document, ImportFormat, detect_format, import_document
from telemetry.errors import CalibrationError
from tests.calibration.importers.forms import FIRST_PX, FORMS, SECOND_PX, WH, Form, damaged

ALL = [pytest.param(name, form, id=name) for name, form in FORMS.items()]
BINARY = {ImportFormat.CORNERS, ImportFormat.MASK}
TEXTS = [pytest.param(name, form, id=name) for name, form in FORMS.items() if name not in BINARY]
TOLERANCE_PX = {ImportFormat.CORNERS: 100, ImportFormat.ROBOFLOW: 0.01}


def test_every_form_has_a_file() -> None:
    assert set(FORMS) == set(ImportFormat)


@pytest.mark.parametrize(("name", "form"), ALL)
@pytest.mark.parametrize("path", ["file", "file.json", "file.xml", "file.txt", "file.yml"])
def test_content_tells_the_form_whatever_its_name(
    name: ImportFormat, form: Form, path: str
) -> None:
    assert detect_format(form.document(path)) is name


@pytest.mark.parametrize(("name", "form"), ALL)
def test_bays_come_with_ids_and_what_is_left_out_is_told(name: ImportFormat, form: Form) -> None:
    imported = import_document(form.document(box_wh=(100, 100)))
    assert tuple(bay.id for bay in imported.bays) == form.ids
    for bay, wanted in zip(imported.bays, (FIRST_PX, SECOND_PX), strict=True):
        points = np.asarray(bay.polygon) * WH
        assert points.min(0) == pytest.approx(np.min(wanted, 0), abs=0.01)
        assert points.max(0) == pytest.approx(np.max(wanted, 0), abs=0.01)
    told = [str(finding) for finding in imported.left_out]
    if form.left_out is None:
        assert told == []
    else:
        assert [text for text in told if form.left_out in text]
        assert told[0].startswith("1 skipped: ")


@pytest.mark.parametrize(("name", "form"), TEXTS)
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_text_may_be_in_utf_16_or_have_a_mark(
    name: ImportFormat, form: Form, codec: str
) -> None:
    text = form.content.decode().replace('encoding="utf-8"', f'encoding="{codec[:6]}"')
    other = replace(form, content=text.encode(codec))
    assert detect_format(other.document()) is name
    expected = import_document(form.document())
    assert import_document(other.document()).bays == expected.bays


@pytest.mark.parametrize(("name", "form"), ALL)
def test_damage_at_random_gives_only_our_errors(name: ImportFormat, form: Form) -> None:
    rng = random.Random(name)
    refused: list[str] = []
    for count in range(300):
        document = Document(Path("in/put"), damaged(form.content, rng), WH)
        try:
            import_document(document, name if count % 2 else None)
        except CalibrationError as exc:
            refused.append(str(exc))
    assert len(refused) > 20
    assert all(text.startswith("in/put: ") for text in refused)
    assert all(line.isprintable() for text in refused for line in text.splitlines())


@given(st.sampled_from(sorted(ImportFormat)), st.binary(max_size=200) | st.text(max_size=200))
def test_noise_gives_only_our_errors(name: str, noise: bytes | str) -> None:
    content = noise if isinstance(noise, bytes) else noise.encode("utf-8", "surrogatepass")
    for chosen in (ImportFormat(name), None):
        try:
            import_document(Document(Path("n"), content, WH), chosen)
        except CalibrationError as exc:
            assert str(exc).startswith("n: ")  # noqa: PT017 - some noise is a file


KEYS = sorted(
    {"points", "bays", "width", "height", "images", "annotations", "file_name", "id", "image_id",
     "segmentation", "bbox", "cameras", "zones", "coordinates", "valid", "file_names", "rois_list",
     "bay_ids", "features", "geometry", "type", "shapes", "label", "shape_type", "imageWidth",
     "imageHeight", "regions", "shape_attributes", "region_attributes", "name", "all_points_x",
     "all_points_y", "_via_img_metadata", "metadata", "file", "view", "attribute", "xy", "av",
     "vid", "fname", "options", "aname", "result", "value", "data", "original_width",
     "original_height", "predictions", "image", "objects", "size", "exterior", "geometryType",
     "tags", "categories", "category_id", "ids", "rotation", "x", "y"}
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(st.sampled_from(sorted(set(ImportFormat) - BINARY)), JSON)
def test_json_of_any_shape_gives_only_our_errors(name: str, data: object) -> None:
    document = Document(Path("n"), json.dumps(data).encode(), WH)
    for chosen in (ImportFormat(name), None):
        try:
            import_document(document, chosen)
        except CalibrationError as exc:
            assert str(exc).startswith("n: ")  # noqa: PT017 - some of it is a file


@pytest.mark.parametrize(("name", "form"), TEXTS)
def test_one_value_changed_gives_only_our_errors(name: ImportFormat, form: Form) -> None:
    """Every value of the JSON, one after the other, becomes something else."""
    if form.content[:1] not in {b"[", b"{"}:
        return
    strange = [None, True, "x", [], {}, -1, 1e300, [[1]], {"a": [1]}, "\ud800"]
    for path in _paths(json.loads(form.content)):
        for value in strange:
            data = json.loads(form.content)
            _set(data, path, value)
            document = Document(Path("n"), json.dumps(data).encode(), WH)
            try:
                found = import_document(document, name)
            except CalibrationError as exc:
                str(exc).encode()
            else:
                assert all(str(finding).encode() for finding in found.findings)


def _paths(data: object, at: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    items: list[tuple[object, object]] = []
    if isinstance(data, dict):
        items = list(data.items())
    elif isinstance(data, list):
        items = list(enumerate(data))
    return [p for key, value in items for p in [(*at, key), *_paths(value, (*at, key))]]


def _set(data: object, path: tuple[object, ...], value: object) -> None:
    for key in path[:-1]:
        data = data[key]  # type: ignore[index]
    data[path[-1]] = value  # type: ignore[index]


def test_yaml_that_doubles_itself_is_refused_at_once() -> None:
    bomb = "a0: &a0 {k: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], k{n}: 1}}\n" for n in range(1, 20)
    )
    for text in (bomb, "zones: &z {a: *z}", "- &a {id: 1, coordinates: [*a, *a, *a]}"):
        with pytest.raises(CalibrationError):
            import_document(Document(Path("n"), text.encode(), WH))
    laughs = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)
    )
    with pytest.raises(CalibrationError, match="but got"):
        import_document(
            Document(Path("n"), f"{laughs}zones: {{b: {{coordinates: *a39}}}}".encode(), WH),
            ImportFormat.FRIGATE,
        )


def test_xml_in_another_encoding_cannot_hide_a_document_type() -> None:
    body = '<!DOCTYPE a [<!ENTITY b "c">]><parking/>'
    for codec in ("utf-16", "utf-16-le", "utf-16-be"):
        content = f'<?xml version="1.0" encoding="utf-16"?>{body}'.encode(codec)
        with pytest.raises(CalibrationError, match="without a document type"):
            import_document(Document(Path("n"), content, WH), ImportFormat.PKLOT)
    for codec in ("cp037", "utf-7"):
        head = f'<?xml version="1.0" encoding="{codec}"?>'
        content = head.encode() + body.encode(codec)
        with pytest.raises(CalibrationError, match="expected XML in UTF-8 or UTF-16"):
            import_document(Document(Path("n"), content, WH), ImportFormat.PKLOT)


def test_findings_of_an_import_have_codes_that_scripts_can_use() -> None:
    codes = {finding.code for form in FORMS.values()
             for finding in import_document(form.document()).left_out}  # fmt: skip
    assert codes == {Code.SKIPPED}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<" + b"<!--" * 50_000, id="comments"),
        pytest.param(b"[1" + b", " * 50_000, id="commas"),
        pytest.param(b"[" * 5_000, id="brackets"),
        pytest.param(b"[[" + b"9" * 10_000 + b",1,2,3,4,5,6,7]]", id="digits"),
    ],
)
def test_endless_repetition_is_refused(content: bytes) -> None:
    """Patterns that look at each repetition again would take minutes here."""
    with pytest.raises(CalibrationError):
        import_document(Document(Path("n"), content, WH))


def test_a_comment_before_the_first_element_says_nothing() -> None:
    text = FORMS[ImportFormat.CVAT].content.decode()
    for comment in ("<!-- made from <parking> -->", "<!-- <parking> --><!-- x -->"):
        commented = text.replace("<annotations>", f"{comment}<annotations>", 1)
        assert detect_format(Document(Path("n"), commented.encode())) is ImportFormat.CVAT
