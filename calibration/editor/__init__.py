"""The calibration editor: its web page, and the server behind it.

session = EditorSession("north", ClipPictures(clip), path)
app = create_editor_app(lambda: [session], EditorSettings(author_of=lambda request: "ina"))
"""

from calibration.editor.app import create_editor_app
from calibration.editor.guard import TOKEN_HEADER, Guard
from calibration.editor.judging import EyeQuestions, LiveJudge, NetworkJudge
from calibration.editor.pictures import ClipPictures, LivePictures, PictureSource, StillPicture
from calibration.editor.proposing import BayProposer, ProposedBay, VehicleProposer
from calibration.editor.routes import EditorSettings
from calibration.editor.serving import STATIC, FreshFiles, listen, reply_to_errors, serve_page
from calibration.editor.session import EditorSession

__all__ = [
    "STATIC",
    "TOKEN_HEADER",
    "BayProposer",
    "ClipPictures",
    "EditorSession",
    "EditorSettings",
    "EyeQuestions",
    "FreshFiles",
    "Guard",
    "LiveJudge",
    "LivePictures",
    "NetworkJudge",
    "PictureSource",
    "ProposedBay",
    "StillPicture",
    "VehicleProposer",
    "create_editor_app",
    "listen",
    "reply_to_errors",
    "serve_page",
]
