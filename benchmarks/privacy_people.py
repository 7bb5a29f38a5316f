"""How many people by the bays become a mosaic, on rendered lots with exact truth.

    python benchmarks/privacy_people.py [--seconds 120] [--seeds 3 5]

`vision.background` looks once a second at 1920 x 1080 px; the first 20 s learn. A sighting is
one person in one picture, by the bays and large enough to be seen (30 px of the small picture).

covered     more than half of it is a mosaic
or bounded  or lies in the box of a moving vehicle, which has 32 samples across
still       share of the surroundings, away from all that moved lately, that became a mosaic
parked      share of the pixels of cars that came less than a minute ago that did

"Calm" is a car every 20 s, "rush" the demo's pace. Takes about five minutes on two cores.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from simulator import Activity, SimulatedLot, Weather, demo_scene
from vision.background import BackgroundModel, Moving
from vision.privacy import PrivacySettings, _beyond
from vision.view_match import small_grey

FULL_WH, WH = (1920, 1080), (640, 360)
LEARN_S, KEPT_S, NEW_S = 20, 70, 60
LEAST_PX = 30
Bools = npt.NDArray[np.bool_]


@dataclass
class Tally:
    """What was seen in one weather."""

    mosaic: list[float] = field(default_factory=list)
    bounded: list[float] = field(default_factory=list)
    still: list[float] = field(default_factory=list)
    parked: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def row(self, name: str) -> str:
        """One line of the table."""
        mosaic, bounded = np.array(self.mosaic), np.array(self.bounded)
        return (
            f"{name:16s} {len(mosaic):4d} sightings  covered {(mosaic > 0.5).mean():4.0%}  "
            f"or bounded {(bounded > 0.5).mean():4.0%}  still {np.mean(self.still):6.2%} "
            f"(most {np.max(self.still):5.1%})  parked {np.mean(self.parked or [0]):5.1%}  "
            f"{np.median(self.ms):.2f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=120, help="of each lot")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3])
    options = parser.parse_args()
    cv2.setNumThreads(1)
    for pace, activity in (("calm", Activity(interval_s=20, stay_s=90)), ("rush", None)):
        for weather in Weather:
            tally = Tally()
            for seed in options.seeds:
                scene = demo_scene(weather, image_wh=FULL_WH)
                if activity is not None:
                    scene = replace(scene, activity=activity)
                watch(SimulatedLot(scene, seed=seed, detail=1), options.seconds, tally)
            print(tally.row(f"{pace} {weather.value}"), flush=True)


def watch(lot: SimulatedLot, seconds: int, tally: Tally) -> None:
    """Look at one lot, a look a second."""
    quads = list(lot.quads_norm())
    by_bays = _beyond(quads, WH, PrivacySettings().surroundings_share) == 0
    scene, lately = BackgroundModel(), []
    for second in range(seconds):
        time_s = 20.0 + second
        grey = small_grey(lot.frame(time_s), WH[0])
        begin_s = time.perf_counter()
        moving = scene.look(grey, time_s, quads)
        tally.ms.append((time.perf_counter() - begin_s) * 1000)
        pixels = lot.pixels(time_s)[1::3, 1::3]
        lately = [*lately[-KEPT_S:], pixels != 0]
        # Parked cars come first among the labels, in this order, each with the time when it came.
        parked = lot._parked_actors(time_s).items()  # noqa: SLF001
        came_s = [came_s for (_, came_s), actor in parked if actor is not None]
        if second >= LEARN_S:
            count(moving, pixels, np.array(lately), by_bays, tally)
            hidden = mosaic_of(moving)
            for index, each_s in enumerate(came_s):
                place = pixels == index + 1
                if 0 < time_s - each_s < NEW_S and place.sum() > LEAST_PX:
                    tally.parked.append(float(hidden[place].mean()))


def count(
    moving: Moving, pixels: npt.NDArray[np.int32], lately: Bools, by_bays: Bools, tally: Tally
) -> None:
    """Compare what was found in one picture with the truth."""
    hidden = mosaic_of(moving)
    bounded = hidden.copy()
    for left, top, right, bottom in np.round(moving.vehicles_norm * [*WH, *WH]).astype(int):
        bounded[top:bottom, left:right] = True
    for person in np.unique(pixels[pixels < 0]):
        place = pixels == person
        if place.sum() >= LEAST_PX and (place & by_bays).sum() > place.sum() / 2:
            tally.mosaic.append(float(hidden[place].mean()))
            tally.bounded.append(float(bounded[place].mean()))
    restless = lately.any(0) & ~lately.all(0) | (pixels < 0)
    near = cv2.dilate(restless.astype(np.uint8), np.ones((25, 25))) > 0
    tally.still.append(float((hidden & ~near & by_bays).sum() / by_bays.sum()))


def mosaic_of(moving: Moving) -> Bools:
    """Where people were found, shape of `WH`."""
    return np.asarray(cv2.resize(moving.people, WH, interpolation=cv2.INTER_NEAREST) > 0)


if __name__ == "__main__":
    main()
