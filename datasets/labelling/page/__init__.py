"""The page on which people confirm the states of bays, and the server behind it."""

from datasets.labelling.page.app import create_review_app
from datasets.labelling.page.desk import ReviewDesk

__all__ = ["ReviewDesk", "create_review_app"]
