"""Judging one picture or one clip, without a camera, a store or a broker."""

from edge_app.judging.clip import ClipChange, ClipJudge, ClipOptions, ClipReport
from edge_app.judging.picture import PictureJudge, PictureReport
from edge_app.judging.video import ClipReader, ClipWriter

__all__ = [
    "ClipChange",
    "ClipJudge",
    "ClipOptions",
    "ClipReader",
    "ClipReport",
    "ClipWriter",
    "PictureJudge",
    "PictureReport",
]
