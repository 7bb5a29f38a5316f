"""What FFmpeg's errors mean to the technician who fixes a camera."""

from __future__ import annotations

from edge_app.addresses import shown, without_login
from edge_app.redaction import mask_secrets
from edge_app.sources.base import LoginRejected
from telemetry import CameraError


def stream_fault(url: str, error: Exception, *, opening: bool) -> CameraError:
    """The CameraError for an exception of FFmpeg or the socket layer.

    A refused login is a `LoginRejected`: FFmpeg sends one once for each time that a stream is
    opened.

    Args:
        url: of the stream, login included.
        error: what was raised.
        opening: whether the stream was being opened, or read.
    """
    import av

    name = f"camera source {shown(url)}"
    has_login = without_login(url)[1] is not None
    if isinstance(error, av.error.HTTPUnauthorizedError):
        what = "the camera rejects the username or password (401)"
        if not has_login:
            what = "login required (401): set username and password"
        return LoginRejected(f"{name}: {what}")
    if has_login and isinstance(error, av.error.HTTPForbiddenError):
        what = "the camera rejects the username or password, or has locked the account (403)"
        return LoginRejected(f"{name}: {what}")
    if isinstance(error, av.error.ExitError):  # how FFmpeg calls a time-out that we set
        reason = "timed out"
    else:
        reason = mask_secrets(getattr(error, "strerror", None) or str(error))
    reason = reason or type(error).__name__
    return CameraError(f"{name}: cannot {'open' if opening else 'read'}: {reason}")
