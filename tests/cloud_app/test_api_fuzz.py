"""schemathesis over the API on both databases: no 500, and every answer as documented.

People, alerts and the registry have tests of their own, as those who may use them.
"""

from __future__ import annotations

from cloud_app.api import route_permissions
from cloud_app.api.access import digest_of
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.storage.database import Database
from telemetry.aws import ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.hub import Hub, examples_on, fill, serving
from tests.cloud_app.registry.test_registry_api import ROOT
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take
from tests.http_server.fuzzing import fuzz

EXAMPLES = 12
ELSEWHERE = {*route_permissions.OF_PEOPLE, *route_permissions.OF_ALERTS}
HTTP = HttpConfig(
    tokens=(TokenConfig(name="ops", sha256=digest_of("ops"), scopes=frozenset(Scope)),)
)


def test_no_request_is_answered_500(database: Database) -> None:
    hub = Hub(database, HTTP)
    edge = ScriptedEdge()
    fill(hub, edge)
    take(database, [edge.incident("i-1"), edge.gap((50, 60)), edge.health()])
    reported = ShadowUpdate(reported={"a": 1}, sections=frozenset({"reported"}))
    hub.shadows.update(ShadowTopics("box-1"), reported)
    document = hub.app.openapi()
    document["paths"] = {
        path: methods
        for path, methods in document["paths"].items()
        if path not in {**route_permissions.OF_PEOPLE, **route_permissions.OF_ALERTS}
        and ROOT not in path
    }
    with serving(hub.app) as url:
        counts = fuzz(
            document,
            url,
            {"site": "north", "lot": "p1", "edge": "box-1", "bay": "a1"},
            examples=examples_on(database, EXAMPLES),
            headers={"Authorization": "Bearer ops"},
            streams=["/api/v1/live"],
        )
    print(f"\nanswers by status: {dict(sorted(counts.items()))}")
    assert counts[200] > 10, "requests that are answered must be among them"
    assert counts[422] > 10, "and wrong ones"
    assert not [code for code in counts if code >= 500 and code != 503]
