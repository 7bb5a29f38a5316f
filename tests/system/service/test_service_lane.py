"""A counted lane, from a clip through the running box to a real broker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import av
import pytest

from calibration import Calibration, Line, save_calibration
from simulator.entrance import EntranceScene, SimulatedEntrance

if TYPE_CHECKING:
    from tests.system.service.conftest import Box, Broker, Message, WaitFor

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]
RATE_HZ = 6
WH = (480, 270)
SEEN_M = 14.0


def clip_of(entrance: SimulatedEntrance, path: Path) -> None:
    """The entrance while vehicles are near its line."""
    times = [n / RATE_HZ for n in range(int(entrance.duration_s * RATE_HZ))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = *WH, "yuv420p"
        stream.options = {"g": str(RATE_HZ), "preset": "veryfast"}
        for time_s in times:
            if entrance.nearest_m(time_s) < SEEN_M:
                frame = av.VideoFrame.from_ndarray(entrance.frame(time_s), format="bgr24")
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def passages(broker: Broker) -> list[Message]:
    return [each for each in broker.messages("event") if "gate.passed" in each.body["type"]]


def test_each_vehicle_of_a_clip_is_one_event_at_the_broker(
    make_box: Callable[..., Box], broker: Broker, wait_for: WaitFor
) -> None:
    entrance = SimulatedEntrance(EntranceScene(passing=2, image_wh=WH, people=False), seed=4)
    truth = [each.direction.value for each in entrance.crossings()]
    box = make_box(broker.port)
    clip = box.folder / "clip.mp4"
    clip_of(entrance, clip)
    points = tuple((float(x), float(y)) for x, y in entrance.line_norm)
    line = Line(id="barrier", points=points, in_side="left")
    path = box.folder / "ramp.json"
    save_calibration(path, Calibration(camera="ramp", image_wh=WH, lines=(line,)), author="test")
    box.cameras.append(
        f'[[camera]]\nid = "ramp"\nsource = "{clip}"\ncalibration_file = "{path}"\nloop = false\n'
        "lost_after_s = 60\n"
    )
    box.start()
    wait_for(lambda: len(passages(broker)) >= len(truth), "a passage of each vehicle", 120)
    assert box.stop() == 0
    told = passages(broker)
    data = [each.body["data"] for each in told]
    assert [each["direction"] for each in data] == truth
    assert {each["method"] for each in data} == {"line"}
    assert {each.body["subject"] for each in told} == {"barrier"}
    assert len({each.body["id"] for each in told}) == len(truth), "each arrives once"
    # The totals go on where they were, with the events.
    assert [each["total"] for each in data] == [
        truth[: n + 1].count(w) for n, w in enumerate(truth)
    ]
