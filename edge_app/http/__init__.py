"""The box's own pages: health, metrics, bays, live view, login."""

from edge_app.http.access import Access
from edge_app.http.app import PageSettings, create_app
from edge_app.http.box import Box, BoxReport, LinkFacts, ModelFacts, OutboxFacts
from edge_app.http.pictures import PictureSettings
from edge_app.http.wiring import ServiceBox, app_of

__all__ = [
    "Access",
    "Box",
    "BoxReport",
    "LinkFacts",
    "ModelFacts",
    "OutboxFacts",
    "PageSettings",
    "PictureSettings",
    "ServiceBox",
    "app_of",
    "create_app",
]
