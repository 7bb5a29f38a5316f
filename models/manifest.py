"""The manifest beside every model file: what it is, what it needs, what it may claim."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.classes import ClassRole, resolve_roles
from telemetry.errors import ModelError
from telemetry.payload_checks import describe
from telemetry.vocabulary import Identifier
from vision.box_format import FormatHints
from vision.fusion_weights import FusionWeights
from vision.types import BoxForm, BoxFormat, BoxLayout, Coordinates, NetworkSpec

SCHEMA_VERSION = 1
Probability = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSize(_Strict):
    """The network's input.

    Attributes:
        width: of the usual input, pixels.
        height: of the usual input, pixels.
        stride: largest stride of the network; every input size is a multiple of it.
        dynamic: whether the graph takes other sizes as well.
    """

    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    stride: Annotated[int, Field(gt=0)] = 32
    dynamic: bool = True

    @model_validator(mode="after")
    def _sides_are_multiples(self) -> InputSize:
        if self.width % self.stride or self.height % self.stride:
            msg = (
                f"width and height must be multiples of stride {self.stride}, "
                f"but got {self.width}x{self.height}"
            )
            raise ValueError(msg)
        return self


class Outputs(_Strict):
    """The network's outputs.

    What is skipped is found out when the model is opened.

    Attributes:
        boxes: layout of the box output.
        form: of the first four numbers of a box.
        coordinates: their unit.
    """

    boxes: BoxLayout
    form: BoxForm | None = None
    coordinates: Coordinates | None = None

    def hints(self) -> FormatHints:
        """What is said of the output."""
        return FormatHints(self.boxes, self.form, self.coordinates)


class Fusion(_Strict):
    """How a network's bay head and boxes are weighed; see `vision.fusion_weights.FusionWeights`.

    Attributes:
        version: of the terms that the weights belong to.
    """

    version: Literal[1]
    bias: Finite
    head: Weight
    head_sharp: Weight
    firm: Weight
    covered: Weight

    def weights(self) -> FusionWeights:
        """The numbers."""
        return FusionWeights(**self.model_dump(exclude={"version"}))


class Manifest(_Strict):
    """What a model file is.

    Attributes:
        schema_version: of the manifest's form.
        name: the model's name; the registry finds it by this.
        version: the model's version.
        file: name of the ONNX file, in the manifest's folder.
        sha256: of the ONNX file.
        input: the network's input.
        classes: class index to name, for the box output.
        roles: class name or index to what its boxes are; what is not named is ignored. Empty: the
            names say it.
        outputs: the network's outputs.
        bay_head: whether it takes `bay_quads` and gives `bay_logits`.
        precision: of the weights and most of the arithmetic.
        licence: of the weights, an SPDX id where there is one.
        description: one line for people.
        metrics: figures measured for this very file, by set; free in form.
        data: what it was trained on; free in form, checked by `lotsight promote`.
        temperature: bay logits are divided by this before the sigmoid.
        abstain_low: an occupied-probability above this ...
        abstain_high: ... and below this says nothing; equal when disabled.
        fusion: how bay head and boxes are weighed; None: the bay head alone judges.
    """

    schema_version: Literal[1]
    name: Identifier
    version: str
    file: str
    sha256: Sha256
    input: InputSize
    classes: dict[int, str]
    roles: dict[str, ClassRole] = Field(default_factory=dict)
    outputs: Outputs
    bay_head: bool
    precision: Literal["float32", "int8"] = "float32"
    licence: str
    description: str = ""
    metrics: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    temperature: Annotated[float, Field(gt=0)] = 1.0
    abstain_low: Probability = 0.5
    abstain_high: Probability = 0.5
    fusion: Fusion | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Manifest:
        if Path(self.file).name != self.file:
            msg = f"file must be a bare name in the manifest's folder, but got '{self.file}'"
            raise ValueError(msg)
        if sorted(self.classes) != list(range(len(self.classes))):
            msg = f"classes must be numbered 0, 1, 2, ..., but got {sorted(self.classes)}"
            raise ValueError(msg)
        self.class_roles  # noqa: B018 - raises where the names do not say it
        if self.abstain_low > self.abstain_high:
            msg = (
                "abstain_low must not exceed abstain_high, but got "
                f"{self.abstain_low} and {self.abstain_high}"
            )
            raise ValueError(msg)
        if self.fusion is not None and not self.bay_head:
            msg = "fusion weighs a bay head against boxes, but bay_head is false"
            raise ValueError(msg)
        return self

    @property
    def class_roles(self) -> dict[int, ClassRole]:
        """What the boxes of each class are."""
        return resolve_roles(self.classes, self.roles)

    def indices(self, role: ClassRole) -> frozenset[int]:
        """Indices of the classes with a role."""
        return frozenset(index for index, one in self.class_roles.items() if one is role)

    def spec(self) -> NetworkSpec:
        """What the runtime must know."""
        usual = BoxFormat.usual(self.outputs.boxes)
        spec = NetworkSpec(
            name=self.name,
            version=self.version,
            sha256=self.sha256,
            input_wh=(self.input.width, self.input.height),
            stride=self.input.stride,
            dynamic_input=self.input.dynamic,
            classes=dict(self.classes),
            vehicle_classes=self.indices(ClassRole.VEHICLE),
            occupied_classes=self.indices(ClassRole.OCCUPIED_BAY),
            free_classes=self.indices(ClassRole.FREE_BAY),
            box_format=replace(
                usual,
                form=self.outputs.form or usual.form,
                coordinates=self.outputs.coordinates or usual.coordinates,
            ),
            has_bay_head=self.bay_head,
            temperature=self.temperature,
            abstain_low=self.abstain_low,
            abstain_high=self.abstain_high,
            fusion=None if self.fusion is None else self.fusion.weights(),
        )
        if spec.method == "bay_boxes" and self.abstain_low == self.abstain_high:
            # A bay without a box has even odds: it must fall into the band, never beside it.
            return replace(spec, abstain_low=_DOUBT[0], abstain_high=_DOUBT[1])
        return spec


_DOUBT = (0.4, 0.6)


def settled(manifest: Manifest, name: str) -> Manifest:
    """The same manifest under a name, with the roles that its class names were understood to have.

    A manifest that is kept must mean the same to a later lotsight, which may know more words.

    Raises:
        ModelError: the name is none.
    """
    roles = {
        manifest.classes[index]: role
        for index, role in manifest.class_roles.items()
        if role is not ClassRole.IGNORED
    }
    try:
        return Manifest.model_validate(manifest.model_dump() | {"name": name, "roles": roles})
    except ValidationError as exc:
        msg = f"name: {describe(exc, 'name of a model')}"
        raise ModelError(msg) from exc


def load_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        ModelError: the file is missing, no JSON, or no manifest; the text names the field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        msg = f"{path}: cannot read this model manifest: {exc}"
        raise ModelError(msg) from exc
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as exc:
        msg = f"{path}: line {exc.lineno}, column {exc.colno}: expected JSON: {exc.msg}"
        raise ModelError(msg) from exc
    try:
        return Manifest.model_validate(raw)
    except ValidationError as exc:
        msg = f"{path}: {describe(exc, 'model manifest')}"
        raise ModelError(msg) from exc


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        msg = f"{path}: cannot read this model file: {exc}"
        raise ModelError(msg) from exc


def verify_file(path: Path, expected_sha256: str) -> None:
    """Check a model file before anything is loaded from it.

    Raises:
        ModelError: the file is missing or another one than the manifest was made for.
    """
    got = sha256_of(path)
    if got != expected_sha256:
        msg = f"{path}: expected sha256 {expected_sha256}, but got {got}"
        raise ModelError(msg)
