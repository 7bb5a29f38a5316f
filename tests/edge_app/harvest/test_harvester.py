"""Which frames are kept, and what is known of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_app.harvest import Limit, harvester
from harvest import HarvestReason
from telemetry import UnknownReason
from tests.edge_app.harvest.bench import Bench

MakeBench = Callable[..., Bench]
UNSURE = (0.55, 0.01)


def test_what_nobody_doubts_is_not_kept(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert [bench.show(bench.look()) for _ in range(5)] == [0] * 5


def test_an_unsure_bay_is_kept_with_all_that_is_known(make_bench: MakeBench) -> None:
    bench = make_bench()
    look = bench.look(UNSURE)
    assert bench.show(look) == 1
    (frame,) = bench.store.frames()
    assert frame.reasons == (HarvestReason.UNCERTAIN,)
    assert frame.score == pytest.approx(0.9, abs=0.05)
    assert (frame.camera, frame.revision, frame.image_wh) == ("north", 4, (640, 480))
    assert [(bay.id, bay.prob, bay.occ) for bay in frame.bays] == [
        ("a", 0.55, True),
        ("b", 0.01, False),
    ]
    assert frame.bays[0].box_prob is not None
    assert frame.boxes[0].vehicle == "car"
    assert frame.boxes[0].xyxy_norm == (0.1, 0.2, 0.3, 0.8)
    assert frame.model.name == "scripted"


def test_a_kept_picture_is_private(make_bench: MakeBench) -> None:
    bench = make_bench()
    look = bench.look(UNSURE)
    bench.show(look)
    (frame,) = bench.store.frames()
    picture = cv2.imdecode(np.frombuffer(bench.store.picture(frame), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture[5:85, 590:].max() < 20, "the mask is black, but for JPEG"
    assert frame.privacy.masks == 1
    assert frame.privacy.outside
    assert frame.privacy.share > 0.9
    (path,) = (bench.folder / "frames").glob("*.jpg")
    assert path.stat().st_mode & 0o077 == 0, "for the service's user alone"


def test_the_two_heads_contradict_each_other(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.show(bench.look((0.02, 0.01)))  # but there is a box in bay a
    (frame,) = bench.store.frames()
    assert frame.reasons == (HarvestReason.DISAGREEMENT,)


def test_another_light_is_kept_once_there_is_one_to_compare(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert bench.show(bench.look(UNSURE, scene=1)) == 1
    assert bench.show(bench.look(scene=1, light=60)) == 2
    assert bench.store.frames()[1].reasons == (HarvestReason.LIGHT_CHANGED,)
    assert bench.show(bench.look(scene=1, light=62)) == 2


def test_the_view_has_just_come_back(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert bench.show(bench.look(reason=UnknownReason.STARTING)) == 0
    assert bench.show(bench.look(reason=UnknownReason.VIEW_MOVED)) == 1
    assert bench.store.frames()[0].reasons == (HarvestReason.AFTER_ALARM,)


def test_a_bay_that_changes_again_and_again(make_bench: MakeBench) -> None:
    bench = make_bench()
    counts = [bench.show(bench.look(changed="b"), then_s=60) for _ in range(4)]
    assert counts == [0, 0, 0, 1]
    assert bench.store.frames()[0].reasons == (HarvestReason.FLAPPING,)
    bench.clock.advance(2000)
    assert bench.show(bench.look(changed="b")) == 1, "long ago counts no more"


def test_frames_that_show_the_same_are_kept_once(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert [bench.show(bench.look(UNSURE, scene=7)) for _ in range(3)] == [1, 1, 1]
    assert bench.show(bench.look(UNSURE, scene=8)) == 2
    assert bench.show(bench.look(UNSURE, scene=7)) == 2


def test_frames_keep_their_distance_in_time(make_bench: MakeBench) -> None:
    bench = make_bench(every_s=60)
    counts = [bench.show(bench.look(UNSURE), then_s=20) for _ in range(7)]
    assert counts == [1, 1, 1, 2, 2, 2, 3]


def test_samples_come_by_chance_alone(make_bench: MakeBench) -> None:
    bench = make_bench(sampled_per_day=60, frames_per_day=1000)
    for _ in range(288):
        bench.show(bench.look(), then_s=300)
    frames = bench.store.frames()
    assert {frame.reasons for frame in frames} == {(HarvestReason.SAMPLED,)}
    assert 35 <= len(frames) <= 75, "a day of 60, and one in 5 minutes at most"


def test_a_slow_thread_drops_frames_and_counts_them(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(every_s=1)
    go_on = threading.Event()
    monkeypatch.setattr(harvester, "box_probs", lambda _: go_on.wait(10) and None)
    for _ in range(6):
        bench.harvester.observe(bench.look(UNSURE))
        bench.clock.advance(10)
    go_on.set()
    assert bench.harvester.wait()
    figures = bench.store.stats()
    assert figures.refused[Limit.BUSY] == 6 - harvester.WAITING
    assert figures.kept == harvester.WAITING


def test_a_disk_that_cannot_be_written_is_an_alarm_that_ends(
    make_bench: MakeBench, tmp_path: Path
) -> None:
    bench = make_bench()
    (tmp_path / "harvest").write_text("in the way")
    assert bench.show(bench.look(UNSURE)) == 0
    (alarm,) = bench.alarms.standing()
    assert "cannot write this frame" in alarm.detail
    (tmp_path / "harvest").unlink()
    assert bench.show(bench.look(UNSURE)) == 1
    assert bench.alarms.standing() == ()
    figures = bench.store.stats()
    assert (figures.faults, figures.kept, figures.failed) == (1, 1, 0)
    assert figures.last_fault is not None, "it stays readable after the alarm ended"
    assert figures.last_fault.text == alarm.detail
    assert figures.last_fault.utc < bench.clock.utc()


def test_states_come_before_pictures_on_a_nearly_full_disk(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harvester, "LEAST_FREE_BYTES", 1 << 62)
    bench = make_bench()
    assert bench.show(bench.look(UNSURE)) == 0
    assert "no frames are being kept" in bench.alarms.standing()[0].text
    assert bench.store.stats().refused[Limit.DISK] == 1
