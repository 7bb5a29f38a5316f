"""`[[camera]]`: one camera of the box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from edge_app.addresses import shown
from edge_app.config.section import Seconds, Section
from edge_app.sources import DecodeMode, FeedSettings, Login, StreamSettings
from edge_app.sources.trust import TLS_SCHEMES, TlsTrust, parse_fingerprint
from telemetry import CameraId


class CameraConfig(Section):
    """`[[camera]]`: one camera."""

    id: CameraId = Field(title="Id", description="Stable for ever; its calibration names it too.")
    source: Annotated[str, Field(min_length=1)] = Field(
        title="Source",
        description="rtsp://..., http(s)://... (stream), snapshot+http(s)://... (picture per "
        "request), usb:0, folder:PATH, sim:WEATHER, or the path of a video or picture.",
    )
    calibration_file: Path = Field(
        title="Calibration",
        description="Bays of this camera's view. The editor and roll-outs write it.",
    )
    rate_hz: Annotated[float, Field(gt=0, le=60)] = Field(
        default=1.0, title="Rate", description="Wanted pictures per second."
    )
    username: str | None = Field(default=None, title="User", description="Of the camera.")
    password: SecretStr | None = Field(default=None, title="Password", description="Of the user.")
    tls_fingerprint: str | None = Field(
        default=None,
        title="Certificate",
        description="https and rtsps: SHA-256 of the only certificate to believe, such as the "
        "camera's own. Without this the authorities of the system or tls_ca_file decide.",
    )
    tls_ca_file: Path | None = Field(
        default=None,
        title="Authority",
        description="https and rtsps: PEM, who may vouch for the camera, by its host name.",
    )
    tls_verify: bool = Field(
        default=True,
        title="Verify",
        description="https and rtsps: false believes any certificate, and anybody between.",
    )
    decode: DecodeMode = Field(
        default=DecodeMode.AUTO,
        title="Decode",
        description="auto: key frames alone while they come often enough for the rate; all; key.",
    )
    rtsp_over_udp: bool = Field(
        default=False, title="RTSP over UDP", description="Instead of within the connection."
    )
    max_width_px: Annotated[int, Field(ge=64, le=16_384)] = Field(
        default=1920, title="Greatest width", description="Wider pictures are scaled down."
    )
    loop: bool = Field(default=True, title="Loop", description="Play a file again at its end.")
    open_timeout_s: Seconds = Field(
        default=10.0, title="Open time-out", description="Longest wait for the connection."
    )
    frame_timeout_s: Seconds = Field(
        default=10.0, title="Frame time-out", description="Then the source is opened again."
    )
    lost_after_s: Seconds = Field(
        default=20.0,
        title="Lost after",
        description="Without a picture for so long, all bays of the camera are unknown.",
    )
    retry_longest_s: Seconds = Field(
        default=30.0, title="Longest pause", description="Between two tries to open the source."
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
                f"lost_after_s must be two pictures at least, {2 / self.rate_hz:g} s at rate_hz = "
                f"{self.rate_hz:g}, but got {self.lost_after_s:g}"
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
