"""From vehicles to proposed bays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from shapely import Polygon as Shape

from calibration.geometry import Doubles, as_points, signed_area, to_norm, to_pixels
from calibration.normalise import normalise_bay
from calibration.numbering import Numbering, number_bays
from calibration.pose import GroundCamera, ground_points
from calibration.proposals.camera import Vehicles, fit_camera, refine_camera
from calibration.proposals.clusters import ClusterSettings, standing_vehicles, without_doubles
from calibration.proposals.grouping import GroundBay, bays_of_row, group_rows, rows_to_refine
from calibration.proposals.orientation import ground_places, mean_yaw, vehicle_yaws
from calibration.types import Bay, Polygon, Quad
from vision.types import Detections, ImageBgr

_LEAST_VEHICLES = 2


@dataclass(frozen=True, slots=True)
class ProposalSettings:
    """What is proposed.

    Attributes:
        least_confidence: detections below it are not used.
        sure_confidence: those above it tell the camera.
        rim_px: boxes nearer to the image's rim are cut off, and not used.
        most_misfit: of box and cuboid (squared log ratios); above it is no car.
        refinements: how often the camera is fitted again to the rows.
        most_overlap: share of the smaller that a proposal may have in common with another one, or
            with a bay that is drawn already.
        clusters: when boxes of several frames are one vehicle.
    """

    least_confidence: float = 0.12
    sure_confidence: float = 0.25
    rim_px: float = 3.0
    most_misfit: float = 0.5
    refinements: int = 2
    most_overlap: float = 0.35
    clusters: ClusterSettings = field(default_factory=ClusterSettings)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A bay that there may be.

    Attributes:
        polygon: four corners, clockwise, fractions of the image.
        confidence: 0 to 1; for sorting, not a probability.
        is_gap: whether no vehicle was seen in it, but the row implies it.
        row: which row it belongs to, counted from 0.
        place: its place along the row.
    """

    polygon: Quad
    confidence: float
    is_gap: bool
    row: int
    place: int


def propose_from_frame(
    detections: Detections,
    image_wh: tuple[int, int],
    image_bgr: ImageBgr | None = None,
    drawn: Sequence[Polygon] = (),
    settings: ProposalSettings | None = None,
) -> tuple[Proposal, ...]:
    """Propose bays from the vehicles of one image.

    Args:
        detections: vehicles, in pixels of the image.
        image_wh: the image's width and height, pixels.
        image_bgr: the image; it shows which way cars point, so pass it if you can.
        drawn: bays that are drawn already; nothing is proposed on them.
        settings: what is proposed.

    Returns:
        Proposals, row by row; none where there are fewer than two vehicles.
    """
    settings = settings or ProposalSettings()
    vehicles = Vehicles.of_frame(detections)
    sure = vehicles.pick(vehicles.weights >= settings.least_confidence)
    pictures = [image_bgr] if image_bgr is not None else []
    return _propose(without_doubles(sure), image_wh, pictures, drawn, settings)


def propose_from_frames(
    frames: Sequence[Detections],
    image_wh: tuple[int, int],
    pictures: Sequence[ImageBgr] = (),
    drawn: Sequence[Polygon] = (),
    settings: ProposalSettings | None = None,
) -> tuple[Proposal, ...]:
    """Propose bays from where vehicles stood over several frames of a camera that does not move.

    Args:
        frames: vehicles of each frame, in order of time.
        image_wh: the images' width and height, pixels.
        pictures: one per frame; they show which way cars point. May be empty.
        drawn: bays that are drawn already; nothing is proposed on them.
        settings: what is proposed.

    Raises:
        ValueError: not one image for each frame.
    """
    settings = settings or ProposalSettings()
    if pictures and len(pictures) != len(frames):
        msg = f"expected an image for each of {len(frames)} frames, but got {len(pictures)}"
        raise ValueError(msg)
    if len(frames) == 1:
        image_bgr = pictures[0] if pictures else None
        return propose_from_frame(frames[0], image_wh, image_bgr, drawn, settings)
    sure = [_above(frame, settings.least_confidence) for frame in frames]
    standing = standing_vehicles(sure, settings.clusters)
    return _propose(standing, image_wh, pictures, drawn, settings)


def _above(frame: Detections, least: float) -> Detections:
    keep = frame.confidence >= least
    return Detections(frame.xyxy_px[keep], frame.confidence[keep], frame.class_id[keep])


def _propose(
    vehicles: Vehicles,
    image_wh: tuple[int, int],
    pictures: Sequence[ImageBgr],
    drawn: Sequence[Polygon],
    settings: ProposalSettings,
) -> tuple[Proposal, ...]:
    boxes = vehicles.boxes_px
    whole = (boxes[:, :2] > settings.rim_px).all(1)
    whole &= (boxes[:, 2:] < np.asarray(image_wh) - settings.rim_px).all(1)
    vehicles = vehicles.pick(whole)
    if len(vehicles) < _LEAST_VEHICLES:
        return ()
    sure = vehicles.weights >= settings.sure_confidence
    # With few sure ones the others must do: three boxes hardly tell tilt, roll and height.
    tell = vehicles.pick(sure) if sure.sum() > _LEAST_VEHICLES else vehicles
    camera = fit_camera(tell, image_wh)
    bays = _ground_bays(camera, vehicles, pictures, settings)
    return _choose(bays, image_wh, drawn, settings)


def _ground_bays(
    camera: GroundCamera,
    vehicles: Vehicles,
    pictures: Sequence[ImageBgr],
    settings: ProposalSettings,
) -> list[tuple[GroundBay, Doubles]]:
    """Bays on the ground with their corners in the image."""
    for rounds_left in range(settings.refinements, -1, -1):
        yaws, misfits = vehicle_yaws(camera, vehicles, pictures)
        places = ground_places(camera, vehicles, yaws)
        usable = np.flatnonzero(np.isfinite(places).all(1) & (misfits < settings.most_misfit))
        rows = [usable[row].tolist() for row in group_rows(places[usable], yaws[usable])]
        long_rows = rows_to_refine(rows)
        if not rounds_left or not long_rows:
            break
        row_yaws = [mean_yaw(yaws[row], vehicles.weights[row]) for row in long_rows]
        camera = refine_camera(camera, vehicles, long_rows, row_yaws)
    found = []
    for number, row in enumerate(rows):
        for bay in bays_of_row(places[row], yaws[row], vehicles.weights[row], number):
            corners_px = camera.project(ground_points(bay.corners_m))
            if np.isfinite(corners_px).all():
                found.append((bay, corners_px))
    return found


def _choose(
    bays: list[tuple[GroundBay, Doubles]],
    image_wh: tuple[int, int],
    drawn: Sequence[Polygon],
    settings: ProposalSettings,
) -> tuple[Proposal, ...]:
    """The surest of overlapping bays, within the image; a row's length speaks for its bays."""
    taken = [Shape(to_pixels(polygon, image_wh)) for polygon in drawn]
    chosen: list[Proposal] = []
    for bay, corners_px in sorted(bays, key=_rank, reverse=True):
        quad_px = corners_px if signed_area(corners_px) > 0 else corners_px[::-1]
        tidied, _ = normalise_bay(Bay(id="x", polygon=as_points(to_norm(quad_px, image_wh))))
        inside = all(0 <= value <= 1 for point in tidied.polygon for value in point)
        shape = Shape(to_pixels(tidied.polygon, image_wh))
        if not inside or not shape.is_valid or len(tidied.polygon) != len(quad_px):
            continue
        if any(_common_share(shape, other) > settings.most_overlap for other in taken):
            continue
        taken.append(shape)
        confidence = min(max(_rank((bay, corners_px)), 0.0), 1.0)
        chosen.append(Proposal(tidied.polygon, confidence, bay.is_gap, bay.row, bay.place))
    return tuple(sorted(chosen, key=lambda proposal: (proposal.row, proposal.place)))


def _rank(item: tuple[GroundBay, Doubles]) -> float:
    bay, _ = item
    return bay.confidence * bay.row_length / (bay.row_length + 1)


def _common_share(first: Shape, second: Shape) -> float:
    if not first.intersects(second) or not second.is_valid:
        return 0.0
    return float(first.intersection(second).area / min(first.area, second.area))


def proposals_to_bays(
    proposals: Sequence[Proposal], start: str = "A01", taken: Collection[str] = ()
) -> tuple[Bay, ...]:
    """Accepted proposals as bays, numbered along their rows.

    Raises:
        CalibrationError: the pattern meets an id that is taken.
    """
    ids = number_bays(Numbering(start=start), len(proposals), taken)
    return tuple(
        Bay(id=bay_id, polygon=proposal.polygon)
        for bay_id, proposal in zip(ids, proposals, strict=True)
    )
