"""Schemathesis over alerts and notification rules, as an administrator who has logged in."""

from __future__ import annotations

from cloud_app.accounts.roles import Role
from cloud_app.api import route_permissions
from tests.cloud_app.accounts.kit import NORTH, add, session_headers
from tests.cloud_app.alerts.kit import FULL, Desk, mail_to
from tests.cloud_app.hub import Hub, examples_on, serving
from tests.http_server.fuzzing import fuzz

EXAMPLES = 25


def test_no_request_is_answered_500(hub: Hub) -> None:
    admin = add(hub, "admin@example.org", (NORTH, Role.OPERATOR_ADMIN))
    desk = Desk(hub)
    [number] = desk.open(FULL)
    rule = desk.rule(mail_to())
    document = hub.app.openapi()
    paths = {path: document["paths"][path] for path in route_permissions.OF_ALERTS}
    with serving(hub.app) as url:
        counts = fuzz(
            document | {"paths": paths},
            url,
            {"alert": str(number), "notification": rule.id},
            examples=examples_on(hub.database, EXAMPLES),
            headers=session_headers(hub, admin),
        )
    print(f"\nanswers by status: {dict(sorted(counts.items()))}")
    assert counts[200] > 10
    assert counts[422] > 10
    assert not [code for code in counts if code >= 500]
