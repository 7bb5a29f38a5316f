"""What the web pages of box, editor, label review and cloud share: DOM helpers, formats, the logo.

Each server mounts `SHARED` as `/shared` beside its own files; the modules import it relatively.
"""

from pathlib import Path as _Path

SHARED = _Path(__file__).parent / "shared"
"""JavaScript modules and the logo, served as they are."""

__all__ = ["SHARED"]
