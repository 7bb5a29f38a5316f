"""Random secrets and what is kept of them."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """A random identifier; it is no secret."""
    return secrets.token_hex(8)


def digest_of(secret: str) -> str:
    """What is kept of a random secret.

    A plain hash is enough: with 256 random bits there is nothing to guess slowly.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
