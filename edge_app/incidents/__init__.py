"""Incidents of the running service: from judged frames to events, pages and the store."""

from edge_app.incidents.attach import attach_incidents
from edge_app.incidents.watcher import IncidentOutlets, IncidentWatcher

__all__ = ["IncidentOutlets", "IncidentWatcher", "attach_incidents"]
