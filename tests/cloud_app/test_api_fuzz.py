"""schemathesis over the whole API on both databases: no 500, and every answer as documented."""

from __future__ import annotations

from cloud_app.api.access import digest_of
from cloud_app.config import HttpConfig, Scope, TokenConfig
from cloud_app.storage.database import Database
from telemetry.aws import ShadowTopics
from telemetry.shadow import ShadowUpdate
from tests.cloud_app.hub import Hub, fill, serving
from tests.cloud_app.scripted_edge import ScriptedEdge
from tests.cloud_app.test_intake import take
from tests.http_server.fuzzing import fuzz

EXAMPLES = 12
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
    with serving(hub.app) as url:
        counts = fuzz(
            hub.app.openapi(),
            url,
            {"site": "north", "lot": "p1", "edge": "box-1", "bay": "a1"},
            examples=EXAMPLES,
            headers={"Authorization": "Bearer ops"},
            streams=["/api/v1/live"],
        )
    print(f"\nanswers by status: {dict(sorted(counts.items()))}")
    assert counts[200] > 100, "requests that are answered must be among them"
    assert counts[422] > 50, "and wrong ones"
    assert not [code for code in counts if code >= 500 and code != 503]
