"""`[[camera]]`: one camera of the box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from edge_app.addresses import shown
from edge_app.config.section import Seconds, Section
from edge_app.sources import DecodeMode, FeedSettings, Login, StreamSettings
from edge_app.sources.trust import TLS_SCHEMES, TlsTrust, parse_fingerprint
from telemetry import CameraId


class CameraConfig(Section):
    """`[[camera]]`: one camera."""

    REMOTE: ClassVar = frozenset({"rate_hz"})

    id: CameraId = Field(title="Id", description="Permanent camera id; must match its calibration.")
    source: Annotated[str, Field(min_length=1)] = Field(
        title="Source",
        description="rtsp://..., http(s)://... (stream), snapshot+http(s)://... (one image per "
        "request), usb:0, folder:PATH, sim:WEATHER, or the path of a video or image.",
    )
    calibration_file: Path = Field(
        title="Calibration",
        description="Bays in this camera's view. Written by the editor and by roll-outs.",
    )
    rate_hz: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, title="Rate", description="Target frames per second."
    )
    username: str | None = Field(default=None, title="User", description="Camera username.")
    password: SecretStr | None = Field(
        default=None, title="Password", description="Camera password."
    )
    tls_fingerprint: str | None = Field(
        default=None,
        title="Certificate",
        description="https and rtsps: SHA-256 fingerprint of the only certificate to trust, such "
        "as the camera's own. If unset, the system's CAs or tls_ca_file decide.",
    )
    tls_ca_file: Path | None = Field(
        default=None,
        title="Authority",
        description="https and rtsps: PEM file of the CAs to trust for this camera's host name.",
    )
    tls_verify: bool = Field(
        default=True,
        title="Verify",
        description="https and rtsps: false accepts any certificate, so anyone on the path can "
        "intercept.",
    )
    decode: DecodeMode = Field(
        default=DecodeMode.AUTO,
        title="Decode",
        description="auto: key frames only, if they arrive often enough for the rate; all: every "
        "frame; key: key frames only.",
    )
    rtsp_over_udp: bool = Field(
        default=False, title="RTSP over UDP", description="Use UDP instead of interleaved TCP."
    )
    max_width_px: Annotated[int, Field(ge=64, le=16_384)] = Field(
        default=1920, title="Maximum width", description="Wider images are scaled down."
    )
    loop: bool = Field(default=True, title="Loop", description="Restart a file when it ends.")
    open_timeout_s: Seconds = Field(
        default=10.0, title="Open timeout", description="Connection timeout."
    )
    frame_timeout_s: Seconds = Field(
        default=10.0,
        title="Frame timeout",
        description="Without a frame for this long, the source is reopened.",
    )
    lost_after_s: Seconds = Field(
        default=20.0,
        title="Lost after",
        description="Without a frame for this long, all bays of the camera are unknown.",
    )
    retry_longest_s: Seconds = Field(
        default=30.0,
        title="Maximum retry delay",
        description="Maximum delay between attempts to open the source.",
    )

    @field_validator("tls_fingerprint")
    @classmethod
    def _fingerprint(cls, value: str | None) -> str | None:
        return None if value is None else parse_fingerprint(value)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        trust = self._trust()  # which says whether the three agree
        scheme = self.source.removeprefix("snapshot+").partition("://")[0].lower()
        if trust != TlsTrust() and scheme not in TLS_SCHEMES:
            msg = "tls_fingerprint, tls_ca_file and tls_verify need a source of https or rtsps"
            raise ValueError(msg)
        if self.password is not None and self.username is None:
            msg = "password needs a username"
            raise ValueError(msg)
        if self.lost_after_s < 2 / self.rate_hz:
            msg = (
                f"lost_after_s must be at least two frame intervals, {2 / self.rate_hz:g} s at "
                f"rate_hz = {self.rate_hz:g}, but got {self.lost_after_s:g}"
            )
            raise ValueError(msg)
        return self

    def __repr_args__(self) -> Any:
        """Without a password that stands in the address."""
        for name, value in super().__repr_args__():
            yield name, shown(value) if name == "source" else value

    @property
    def login(self) -> Login | None:
        """User name and password, where they are set apart from the address."""
        if self.username is None:
            return None
        password = self.password.get_secret_value() if self.password is not None else ""
        return Login(self.username, password)

    def stream_settings(self) -> StreamSettings:
        """How the source is read."""
        return StreamSettings(
            interval_s=1 / self.rate_hz,
            open_timeout_s=self.open_timeout_s,
            frame_timeout_s=self.frame_timeout_s,
            decode=self.decode,
            max_width_px=self.max_width_px,
            loop=self.loop,
            rtsp_over_udp=self.rtsp_over_udp,
            trust=self._trust(),
        )

    def _trust(self) -> TlsTrust:
        return TlsTrust(self.tls_fingerprint or "", self.tls_ca_file, self.tls_verify)

    def feed_settings(self) -> FeedSettings:
        """How it is kept alive."""
        longest_s = self.open_timeout_s + 2 * self.frame_timeout_s + 1 / self.rate_hz
        return FeedSettings(
            interval_s=1 / self.rate_hz,
            stuck_s=longest_s,
            retry_first_s=min(1.0, self.retry_longest_s),
            retry_longest_s=self.retry_longest_s,
        )
