"""Incidents of the running service: from judged frames to events, pages and the store."""

from edge_app.incidents.watcher import IncidentOutlets, IncidentWatcher, watch_incidents

__all__ = ["IncidentOutlets", "IncidentWatcher", "watch_incidents"]
