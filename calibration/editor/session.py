"""One camera being edited: all that the editor's page can ask for, without HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from calibration.check import check_calibration
from calibration.editor.documents import (
    Document,
    PictureRequest,
    ProposeRequest,
    RollbackRequest,
    SaveRequest,
)
from calibration.editor.judging import LiveJudge
from calibration.editor.pictures import PictureSource
from calibration.editor.proposing import BayProposer
from calibration.editor.store import CalibrationFile, CalibrationStore, Drafts, Edit
from calibration.editor.views import (
    AlignView,
    Formats,
    ImportedBays,
    JudgedBay,
    ProposalView,
    RevisionView,
    SessionSummary,
)
from calibration.exporters import ExportFormat, export_bays
from calibration.findings import Code, Finding, Severity, errors_of
from calibration.geometry import is_simple, to_pixels
from calibration.importers import Document as ImportDocument
from calibration.importers import ImportFormat, fit_to, import_document
from calibration.importers.document import TUTORIAL_BOX_WH
from calibration.network_check import check_for_network
from calibration.numbering import next_id
from calibration.parsing import calibration_from_data, parse_json, parse_size
from calibration.reference_files import masked
from calibration.reregister import move_calibration, reregister, shift_px
from calibration.succession import format_calibration
from calibration.types import Calibration
from calibration.visibility import check_visibility
from telemetry.errors import CalibrationError
from vision.types import ImageBgr, NetworkSpec
from vision.view_shape import same_shape, shape_fault

OWN_FORMAT = "lotsight"
Format = TypeVar("Format", ImportFormat, ExportFormat)


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """What a person says of a file to import; all of it may be left to the file.

    Attributes:
        file_format: an `ImportFormat`, `lotsight`, or `auto`.
        item: which picture or camera of several in the file.
        categories: which labels mean bays.
        box: width and height in pixels of a bay, for lists of corners: `107x48`.
        stretch: the bays were drawn on the same view in another shape.
    """

    file_format: str = "auto"
    item: str = ""
    categories: tuple[str, ...] = ()
    box: str = ""
    stretch: bool = False


class EditorSession:
    """A camera, its pictures and its calibration; what is saved is the only state."""

    def __init__(
        self,
        camera: str,
        pictures: PictureSource,
        store: Path | CalibrationStore,
        judge: LiveJudge | None = None,
        proposer: BayProposer | None = None,
    ) -> None:
        """Edit a camera.

        Args:
            camera: its id.
            pictures: what is drawn on.
            store: the calibration file, which need not exist yet, or what stands for it.
            judge: looks at pictures for the live check; None: there is none.
            proposer: finds bays that are not drawn yet; None: there is none.
        """
        self.camera = camera
        self.pictures = pictures
        self.store: CalibrationStore = CalibrationFile(store) if isinstance(store, Path) else store
        self.judge = judge
        self.proposer = proposer

    @property
    def drafts(self) -> Drafts:
        """What is drawn and not saved."""
        return self.store.drafts

    def present(self) -> Calibration | None:
        """The calibration as saved; None before the first save.

        Raises:
            CalibrationError: the file is damaged.
        """
        return self.store.present()

    def picture(self, time_s: float) -> ImageBgr:
        """A picture as people may see it, privacy masks blackened.

        Raises:
            CameraError: there is none.
        """
        present = self.present()
        return masked(self.pictures.picture(time_s), present.masks if present else ())

    def image_wh(self) -> tuple[int, int]:
        """Width and height of the pictures.

        Raises:
            CameraError: there is none.
        """
        return self.pictures.image_wh()

    def summary(self) -> SessionSummary:
        """The camera and what is saved of it."""
        present = self.present()
        return SessionSummary(
            camera=self.camera,
            source=self.pictures.name,
            image_wh=self.image_wh(),
            duration_s=self.pictures.duration_s,
            live=self.pictures.live,
            can_judge=self.judge is not None,
            can_propose=self.proposer is not None,
            can_align=self.store.takes_references,
            revision=present.revision if present else 0,
            calibration=present,
            retired_ids=present.retired_ids if present else (),
            revisions=self.revisions(),
            drafts=tuple(self.drafts.all()),
            formats=Formats(
                imports=("auto", OWN_FORMAT, *(f.value for f in ImportFormat)),
                exports=(OWN_FORMAT, *(f.value for f in ExportFormat)),
            ),
        )

    def compose(self, document: Document) -> Calibration:
        """The calibration that saving `document` would give; what the page does not edit stays."""
        present = self.present() or Calibration(camera=self.camera, image_wh=self.image_wh())
        return present.model_copy(
            update={
                "bays": document.bays,
                "lot": document.lot,
                "masks": present.masks if document.masks is None else document.masks,
                "areas": present.areas if document.areas is None else document.areas,
                "lines": present.lines if document.lines is None else document.lines,
                "image_wh": self.image_wh(),
            }
        )

    def check(self, document: Document, *, deep: bool = False) -> tuple[Finding, ...]:
        """Every finding; hidden bays only when looked for deeply."""
        calibration = self.compose(document)
        findings: list[Finding] = [*self._shape_finding(), *check_calibration(calibration)]
        findings += self.store.remarks(calibration)
        if calibration.bays and not errors_of(findings):
            # Size and visibility mean something for sound outlines only.
            if self.judge is not None:
                findings += check_for_network(calibration, self.judge.spec).findings
            if deep:
                findings += check_visibility(calibration)
        return tuple(findings)

    def _shape_finding(self) -> list[Finding]:
        """What to tell where the camera's picture has another shape than the bays were drawn on."""
        present, wh = self.present(), self.image_wh()
        if present is None or same_shape(present.image_wh, wh):
            return []
        message = shape_fault(present.image_wh, wh, compared=present.reference is not None)
        remedy = "check that the bays are in the right place on this image before saving"
        return [Finding(Severity.WARNING, Code.REFERENCE, None, message, remedy)]

    def live(self, request: PictureRequest) -> tuple[JudgedBay, ...]:
        """What the network sees in each bay, in the document's order; unknown where it cannot."""
        judge = self._judge()
        calibration = self.compose(request.document)
        wh = calibration.image_wh
        # A bay that is being drawn may cross itself for a moment; it has no inside to look at.
        sound = [is_simple(to_pixels(bay.polygon, wh)) for bay in calibration.bays]
        bays = tuple(bay for bay, good in zip(calibration.bays, sound, strict=True) if good)
        # As the service judges: a mask hides nothing from the network.
        image = self.pictures.picture(request.time_s)
        evidence = judge.judge(image, calibration.model_copy(update={"bays": bays}))
        seen = iter(zip(evidence.prob, evidence.quality, strict=True))
        return tuple(_state(judge.spec, *(next(seen) if good else (0.5, 0.0))) for good in sound)

    def propose(self, request: ProposeRequest) -> tuple[ProposalView, ...]:
        """Bays that are not drawn yet, row by row."""
        if self.proposer is None:
            msg = f"camera {self.camera}: expected a model to detect vehicles, but got none"
            raise CalibrationError(msg)
        calibration = self.compose(request.document)
        pictures = (self.picture(time_s) for time_s in self._moments(request))
        return tuple(
            ProposalView(polygon=bay.polygon, confidence=bay.confidence, group=bay.row)
            for bay in self.proposer.propose(pictures, calibration)
        )

    def _moments(self, request: ProposeRequest) -> list[float]:
        duration_s = self.pictures.duration_s
        if not request.whole_clip or duration_s is None:
            return [request.time_s]
        # Enough to tell the parked from the passing, few enough to answer in seconds.
        count = 24
        return [duration_s * i / (count - 1) for i in range(count)]

    def align(self, request: PictureRequest) -> AlignView:
        """Where the bays lie in the current image, if the camera was moved."""
        calibration = self.compose(request.document)
        old = self.store.reference(calibration)
        new = self.picture(request.time_s)
        found = reregister(old, new, calibration.polygons_norm())
        old_wh = (old.shape[1], old.shape[0])
        new_wh = (new.shape[1], new.shape[0])
        moved = move_calibration(calibration, found.homography, old_wh, new_wh)
        before = [to_pixels(polygon, new_wh) for polygon in calibration.polygons_norm()]
        after = [to_pixels(polygon, new_wh) for polygon in moved.polygons_norm()]
        return AlignView(
            polygons=tuple(bay.polygon for bay in moved.bays),
            ground_quads=tuple(bay.ground_quad for bay in moved.bays),
            masks=moved.masks,
            areas=moved.areas,
            lines=moved.lines,
            usable=found.usable,
            verdict=found.verdict,
            inliers=found.inliers,
            error_px=found.error_px,
            shift_px=shift_px(before, after),
        )

    def save(self, request: SaveRequest, author: str) -> Calibration:
        """Save as the next revision; the first one, and an aligned one, takes a new reference.

        Raises:
            RevisionConflictError: someone else saved in the meantime.
            InvalidCalibrationError: bays are wrong.
            CalibrationError: it cannot be saved.
        """
        calibration = self.compose(request.document).model_copy(update={"note": request.note})
        picture = partial(self.pictures.picture, request.time_s)
        is_new = request.document.new_reference
        return self.store.save(Edit(calibration, author, request.base_revision, picture, is_new))

    def roll_back(self, request: RollbackRequest, author: str) -> Calibration:
        """Bring a revision back as a new one.

        Raises:
            RevisionConflictError: someone else saved in the meantime.
            CalibrationError: there is no such revision.
        """
        return self.store.roll_back(request.revision, author, request.base_revision)

    def revisions(self) -> tuple[RevisionView, ...]:
        """The saved revisions, oldest first."""
        return tuple(map(RevisionView.of, self.store.history()))

    def revision(self, number: int) -> Calibration:
        """One saved revision.

        Raises:
            CalibrationError: there is no such revision.
        """
        return self.store.revision(number)

    def take_in(self, name: str, content: bytes, choice: ImportChoice) -> ImportedBays:
        """Bays of another tool's file, and what was put right in them.

        Args:
            name: of the file.
            content: its bytes.
            choice: what the file does not say.

        Raises:
            CalibrationError: it is not of that format.
        """
        if choice.file_format in {OWN_FORMAT, "auto"} and (own := _own(name, content)) is not None:
            return ImportedBays(bays=own.bays, findings=())
        present = self.present()
        document = ImportDocument(
            Path(name),
            content,
            image_wh=self.image_wh(),
            start=next_id(present.bay_ids if present else (), "A01"),
            control_points=present.control_points if present else (),
            item=choice.item or None,
            categories=choice.categories,
            box_wh=parse_size(choice.box) if choice.box else TUTORIAL_BOX_WH,
        )
        chosen = None if choice.file_format == "auto" else _known(ImportFormat, choice.file_format)
        found = import_document(document, chosen)
        found = fit_to(found, document.image_wh, name, stretch=choice.stretch)
        return ImportedBays(bays=found.bays, findings=found.findings)

    def give_out(self, document: Document, file_format: str) -> tuple[str, str]:
        """Name and text of a file for another tool.

        Raises:
            CalibrationError: the format needs something that the calibration lacks.
        """
        calibration = self.compose(document)
        if file_format == OWN_FORMAT:
            return f"{self.camera}.json", format_calibration(calibration)
        chosen = _known(ExportFormat, file_format)
        suffix = _SUFFIXES.get(chosen, "json")
        return f"{self.camera}.{chosen.value}.{suffix}", export_bays(calibration, chosen)

    def _judge(self) -> LiveJudge:
        if self.judge is None:
            msg = f"camera {self.camera}: expected a model to judge the image, but got none"
            raise CalibrationError(msg)
        return self.judge


_SUFFIXES = {
    ExportFormat.PKLOT: "xml",
    ExportFormat.FRIGATE: "yml",
    ExportFormat.ROBOFLOW: "txt",
    ExportFormat.GEOJSON: "geojson",
}


def _state(spec: NetworkSpec, prob: float, quality: float) -> JudgedBay:
    probability = float(prob)
    if quality <= 0 or spec.abstain_low < probability < spec.abstain_high:
        return JudgedBay(occ=None, conf=0.0)
    return JudgedBay(occ=probability >= spec.abstain_high, conf=max(probability, 1 - probability))


def _known(formats: type[Format], name: str) -> Format:
    try:
        return formats(name)
    except ValueError as exc:
        msg = f"format: expected one of {', '.join(formats)}, but got '{name}'"
        raise CalibrationError(msg) from exc


def _own(name: str, content: bytes) -> Calibration | None:
    try:
        data = parse_json(content, name)
    except CalibrationError:  # another tool's, or the importers say what is wrong
        return None
    if not isinstance(data, dict) or "schema_version" not in data:
        return None
    return calibration_from_data(data, name)
