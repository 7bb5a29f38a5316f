"""The page on which people confirm the states of bays, and the server behind it."""

from datasets.labelling.page.app import create_review_app
from datasets.labelling.page.session import ReviewSession

__all__ = ["ReviewSession", "create_review_app"]
