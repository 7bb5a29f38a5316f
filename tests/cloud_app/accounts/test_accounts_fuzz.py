"""Schemathesis over what is new, as an administrator who has logged in."""

from __future__ import annotations

from cloud_app.accounts.roles import Role
from cloud_app.api import route_permissions
from tests.cloud_app.accounts.kit import NORTH, add, session_headers
from tests.cloud_app.hub import Hub, examples_on, serving
from tests.http_server.fuzzing import fuzz

EXAMPLES = 12
# These end the session that the rest is asked with.
LEFT_OUT = {("/api/v1/session", "delete"), ("/api/v1/people/{account}/sessions", "delete")}


def test_no_request_of_an_administrator_is_answered_500(hub: Hub) -> None:
    admin = add(hub, "admin@example.org", (NORTH, Role.OPERATOR_ADMIN))
    bob = add(hub, "bob@example.org", (NORTH, Role.VIEWER))
    document = hub.app.openapi()
    paths = {
        path: {name: each for name, each in methods.items() if (path, name) not in LEFT_OUT}
        for path, methods in document["paths"].items()
        if path in route_permissions.OF_PEOPLE
    }
    with serving(hub.app) as url:
        counts = fuzz(
            document | {"paths": paths},
            url,
            {"account": bob.account, "kind": "reset"},
            examples=examples_on(hub.database, EXAMPLES),
            headers=session_headers(hub, admin),
        )
    print(f"\nanswers by status: {dict(sorted(counts.items()))}")
    assert counts[200] > 10
    assert counts[422] > 10
    assert counts[401] < 40, "the session lasts throughout"
    assert not [code for code in counts if code >= 500]
