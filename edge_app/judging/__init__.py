"""Judging one image or one clip, without a camera, a store or a broker."""

from edge_app.judging.clip import ClipChange, ClipJudge, ClipOptions, ClipReport
from edge_app.judging.clip_writer import ClipWriter
from edge_app.judging.picture import PictureJudge, PictureReport

__all__ = [
    "ClipChange",
    "ClipJudge",
    "ClipOptions",
    "ClipReport",
    "ClipWriter",
    "PictureJudge",
    "PictureReport",
]
