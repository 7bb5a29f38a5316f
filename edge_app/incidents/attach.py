"""Incidents for every camera of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_app.delivery import IncidentChange
from edge_app.incidents.watcher import IncidentOutlets, IncidentWatcher
from telemetry import IncidentEnd
from vision.incidents import Moment

if TYPE_CHECKING:
    from edge_app.service import EdgeService


def attach_incidents(service: EdgeService) -> dict[str, IncidentWatcher]:
    """Have every camera watched, and end what nobody watches any more; one watcher by camera."""
    config, store = service.config.incidents, service.store
    now = Moment(service.clock.mono_s(), service.clock.utc())
    watchers: dict[str, IncidentWatcher] = {}
    if config.enabled:
        away_s, limit_s = service.alive.age_s(), service.config.edge.restore_within_s
        stale = away_s is None or not 0 <= away_s <= limit_s
        for name, camera in service.cameras.items():
            watcher = IncidentWatcher(name, config, IncidentOutlets(store, service.board))
            watcher.restore(now, stale=stale)
            camera.pipeline.add_observer(watcher)
            watchers[name] = watcher
    orphans = [each for each in store.incidents() if each.camera not in watchers]
    if orphans and store.layout is not None:
        over = [each.over(IncidentEnd.CONFIG, now.utc) for each in orphans]
        store.record_incidents([IncidentChange(each, None, 0) for each in over])
    return watchers
