"""The box's own pages: health, metrics, bays, live view, login."""

from edge_app.http.access import Access
from edge_app.http.app import PageSettings, create_app
from edge_app.http.pictures import PictureSettings
from edge_app.report import Box, BoxReport, LinkFacts, ModelFacts, OutboxFacts

__all__ = [
    "Access",
    "Box",
    "BoxReport",
    "LinkFacts",
    "ModelFacts",
    "OutboxFacts",
    "PageSettings",
    "PictureSettings",
    "create_app",
]
