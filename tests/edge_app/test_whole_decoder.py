"""A decoder apart from its container gives the same images, and begins anew once dropped."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from edge_app.sources.whole_decoder import WholeDecoder


@pytest.fixture(scope="module", params=["libx264", "mpeg4"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip; one kind tells its decoder everything, the other needs the container."""
    path = tmp_path_factory.mktemp("whole") / "clip.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(request.param, rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(8):
            image = rng.integers(0, 255, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def _images(clip: Path, decoder: WholeDecoder | None) -> list[tuple[int | None, bytes]]:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        return [
            (frame.pts, frame.to_ndarray().tobytes())
            for packet in container.demux(stream)
            for frame in (packet.decode() if decoder is None else decoder.decode(packet))
        ]


def test_gives_what_the_containers_own_decoder_gives(clip: Path) -> None:
    decoder = WholeDecoder()
    expected = _images(clip, None)
    assert len(expected) == 8
    assert _images(clip, decoder) == expected
    decoder.drop()
    assert decoder.context is None
    assert _images(clip, decoder) == expected
