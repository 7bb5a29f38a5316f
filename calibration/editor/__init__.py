"""The calibration editor: its web page, and the server behind it.

session = EditorSession("north", ClipPictures(clip), path)
app = create_editor_app(lambda: [session], EditorSettings(author_of=lambda request: "ina"))
"""

from calibration.editor.app import create_editor_app, create_guarded_editor
from calibration.editor.guard import TOKEN_HEADER, Guard
from calibration.editor.judging import EyeQuestions, LiveJudge, NetworkJudge
from calibration.editor.pictures import ClipPictures, LivePictures, PictureSource, StillPicture
from calibration.editor.proposing import BayProposer, ProposedBay, VehicleProposer
from calibration.editor.routes import EditorSettings, EditorState
from calibration.editor.serving import STATIC, FreshFiles, listen, reply_to_errors, serve_page
from calibration.editor.session import EditorSession
from calibration.editor.store import CalibrationFile, CalibrationStore, Drafts, Edit

__all__ = [
    "STATIC",
    "TOKEN_HEADER",
    "BayProposer",
    "CalibrationFile",
    "CalibrationStore",
    "ClipPictures",
    "Drafts",
    "Edit",
    "EditorSession",
    "EditorSettings",
    "EditorState",
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
    "create_guarded_editor",
    "listen",
    "reply_to_errors",
    "serve_page",
]
