"""What a camera is to the rest of the box: something that is opened, read and closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from telemetry import CameraError
from vision.types import ImageBgr


class LoginRejected(CameraError):  # noqa: N818 - says what happened
    """The camera refused the login, or asks for one that was not given.

    Not to be tried again soon: some cameras lock themselves after a few wrong logins.
    """


@dataclass(frozen=True, slots=True)
class Grab:
    """One image from a source.

    Attributes:
        image_bgr: shape (H, W, 3), uint8.
        frames: how many frames the source got since the last grab, this one included: those in
            between were skipped because the wanted rate is lower than the camera's.
        broken: how many frames since the last grab were incomplete and discarded.
    """

    image_bgr: ImageBgr = field(repr=False)
    frames: int = 1
    broken: int = 0


@dataclass(frozen=True, slots=True)
class Undecoded:
    """One image as it came from the camera, still compressed.

    Attributes:
        decode: gives the image, shape (H, W, 3), from any thread; None when it is broken, or when
            its source was closed in the meantime.
        frames: as in `Grab`.
        broken: as in `Grab`.
    """

    decode: Callable[[], ImageBgr | None] = field(repr=False)
    frames: int = 1
    broken: int = 0


class FrameSource(Protocol):
    """A camera, file, folder or simulation; used by one thread at a time."""

    @property
    def self_paced(self) -> bool:
        """Whether `read` waits for the camera's own next image.

        Such a source must be read without pause, or old images pile up in its buffers. The
        others give an image whenever they are asked, and the reader keeps the pace.
        """
        ...

    def open(self) -> None:
        """Make ready to read.

        Raises:
            CameraError: the source cannot be reached, or is nothing that can be decoded.
        """
        ...

    def read(self) -> Grab | None:
        """The next image; None when the source has come to its end for good.

        Raises:
            CameraError: nothing came in time, or what came cannot be decoded.
        """
        ...

    def close(self) -> None:
        """Let go of everything; may be called twice, and before `open`."""
        ...


@runtime_checkable
class LateDecoding(Protocol):
    """A source whose images may be decoded later, or never, elsewhere than where it is read."""

    def read_undecoded(self) -> Grab | Undecoded | None:
        """As `FrameSource.read`, but compressed where nothing else depends on the image."""
        ...
