"""People and roles over HTTP: inviting, changing, the last administrator, a stale tab."""

from __future__ import annotations

import threading

import pytest

from cloud_app.accounts import people
from cloud_app.accounts.people import RoleChange, plain_email, plain_name
from cloud_app.accounts.roles import Membership, Role, Tenant
from cloud_app.errors import AccountError, LastAdminError, StaleError
from tests.cloud_app.accounts.kit import (
    CITY,
    NORTH,
    PASSWORD,
    SEA,
    SOUTH,
    acting,
    add,
    audit_actions,
    log_in,
    signed_in,
)
from tests.cloud_app.hub import Hub

ADMIN = "admin@example.org"
VIEWER = {"tenant": str(NORTH), "role": "viewer"}
ADMINS = {"tenant": str(NORTH), "role": "operator admin"}


@pytest.fixture
def admin(hub: Hub) -> people.Person:
    return add(hub, ADMIN, (NORTH, Role.OPERATOR_ADMIN))


def test_an_invitation_becomes_a_login(hub: Hub, admin: people.Person) -> None:
    with signed_in(hub, ADMIN) as client, hub.client() as browser:
        body = {"email": "New@example.org", "name": "New", "roles": [VIEWER]}
        answer = client.post("/api/v1/people", json=body)
        assert answer.status_code == 201, answer.text
        invited = answer.json()
        assert invited["person"]["email"] == "new@example.org"
        assert not invited["person"]["ready"]
        address, _, secret = invited["link"].partition("#invitation=")
        assert address == "http://127.0.0.1:8090/login"
        # Nothing is known of who the account is before the link is used.
        assert log_in(browser, "new@example.org", "").status_code == 422
        for password, code in (("short", 422), (PASSWORD, 200), (PASSWORD, 404)):
            given = {"secret": secret, "password": password, "name": "Newton"}
            assert browser.post("/api/v1/links/invitation", json=given).status_code == code
        assert log_in(browser, "new@example.org").json()["name"] == "Newton"
        assert browser.get("/api/v1/lots").status_code == 200
        assert browser.get("/api/v1/people").status_code == 403
    assert audit_actions(hub, "new@example.org") == [
        "person.create", "role.grant", "invitation.issue", "password.set", "person.rename",
        "session.start",
    ]  # fmt: skip


def test_a_link_is_of_one_kind_and_ends(hub: Hub, admin: people.Person) -> None:
    with signed_in(hub, ADMIN) as client:
        body = {"email": "new@example.org", "name": "New", "roles": [VIEWER]}
        invited = client.post("/api/v1/people", json=body).json()
        path = f"/api/v1/people/{invited['person']['account']}/invitation"
        first = invited["link"].partition("=")[2]
        second = client.post(path).json()["link"].partition("=")[2]
        given = {"secret": second, "password": PASSWORD}
        assert client.post("/api/v1/links/reset", json=given).status_code == 404
        old = {"secret": first, "password": PASSWORD}
        assert client.post("/api/v1/links/invitation", json=old).status_code == 404
        hub.clock.now_s += 7 * 86400
        assert client.post("/api/v1/links/invitation", json=given).status_code == 404


def test_nobody_gives_roles_beyond_their_tenants(hub: Hub, admin: people.Person) -> None:
    add(hub, "mayor@example.org", (CITY, Role.COUNCIL))
    theirs = {"tenant": str(SOUTH), "role": "viewer"}
    council = {"tenant": str(CITY), "role": "council"}
    with signed_in(hub, ADMIN) as client, signed_in(hub, "mayor@example.org") as mayor:
        for role, code in ((theirs, 403), (council, 403), (ADMINS, 201)):
            body = {"email": "new@example.org", "name": "New", "roles": [role]}
            assert client.post("/api/v1/people", json=body).status_code == code
        for role, code in ((theirs, 403), (council, 201), (ADMINS, 201)):
            body = {"email": "new2@example.org", "name": "New", "roles": [role]}
            assert mayor.post("/api/v1/people", json=body).status_code == code
        wrong = {"tenant": str(CITY), "role": "viewer"}
        body = {"email": "new3@example.org", "name": "New", "roles": [wrong]}
        answer = mayor.post("/api/v1/people", json=body)
    assert answer.status_code == 422
    assert "exists at an operator only" in answer.json()["detail"]


def test_an_account_of_another_tenant_is_shared_not_taken_over(
    hub: Hub, admin: people.Person
) -> None:
    """Somebody invited in the south, who has not been here: the north's admin gets no link."""
    add(hub, "shared@example.org", (SOUTH, Role.OPERATOR_ADMIN), password=None)
    with signed_in(hub, ADMIN) as client:
        body = {"email": "shared@example.org", "name": "Mine", "roles": [VIEWER]}
        invited = client.post("/api/v1/people", json=body).json()
        assert invited["link"] is None
        person = invited["person"]
        assert person["roles"] == [VIEWER]
        assert person["name"] == "Shared"
        assert not person["governed"]
        path = f"/api/v1/people/{person['account']}"
        match = {"If-Match": str(person["version"])}
        assert client.patch(path, json={"disabled": True}, headers=match).status_code == 403
        assert client.post(f"{path}/invitation").status_code == 403
        assert client.delete(f"{path}/sessions").status_code == 403
        answer = client.put(f"{path}/roles", json={"roles": []}, headers=match)
        assert answer.status_code == 200
        assert client.get(path).status_code == 404, "no longer somebody of the north"
    with hub.database.read() as session:
        left = people.by_email(session, "shared@example.org").memberships
    assert left == (Membership(SOUTH, Role.OPERATOR_ADMIN),)


def test_a_stale_tab_is_told_and_gets_the_newer_data(hub: Hub, admin: people.Person) -> None:
    person = add(hub, "bob@example.org", (NORTH, Role.VIEWER))
    path = f"/api/v1/people/{person.account}"
    with signed_in(hub, ADMIN) as one, signed_in(hub, ADMIN) as other:
        tag = one.get(path).headers["etag"]
        assert other.get(path).headers["etag"] == tag
        saved = one.patch(path, json={"name": "Bob B."}, headers={"If-Match": tag})
        assert saved.status_code == 200
        late = other.patch(path, json={"name": "Robert"}, headers={"If-Match": tag})
        assert late.status_code == 412
        assert late.json()["person"]["name"] == "Bob B."
        assert late.headers["etag"] == saved.headers["etag"] != tag
        roles = {"roles": [VIEWER, ADMINS]}
        assert other.put(f"{path}/roles", json=roles, headers={"If-Match": tag}).status_code == 412
        new = late.headers["etag"]
        assert other.put(f"{path}/roles", json=roles, headers={"If-Match": new}).status_code == 200
        assert other.patch(path, json={"name": "Robert"}).status_code == 422, "names no version"
        assert one.get(path).json()["name"] == "Bob B.", "nothing was lost"


def test_a_disabled_account_is_out_at_once(hub: Hub, admin: people.Person) -> None:
    person = add(hub, "bob@example.org", (NORTH, Role.VIEWER))
    path = f"/api/v1/people/{person.account}"
    with signed_in(hub, ADMIN) as client, signed_in(hub, "bob@example.org") as his:
        match = {"If-Match": client.get(path).headers["etag"]}
        answer = client.patch(path, json={"disabled": True}, headers=match)
        assert answer.json()["disabled"]
        assert his.get("/api/v1/session").status_code == 401
        assert log_in(his, "bob@example.org").status_code == 401
        match = {"If-Match": answer.headers["etag"]}
        client.patch(path, json={"disabled": False}, headers=match)
        assert log_in(his, "bob@example.org").status_code == 200


def test_the_last_administrator_stays(hub: Hub, admin: people.Person) -> None:
    # Somebody who never came does not count.
    add(hub, "invited@example.org", (NORTH, Role.OPERATOR_ADMIN), password=None)
    path = f"/api/v1/people/{admin.account}"
    with signed_in(hub, ADMIN) as client:
        match = {"If-Match": client.get(path).headers["etag"]}
        demoted = client.put(f"{path}/roles", json={"roles": [VIEWER]}, headers=match)
        disabled = client.patch(path, json={"disabled": True}, headers=match)
        for answer in (demoted, disabled):
            assert answer.status_code == 409
            assert "the last one who can give roles at operator:north-op" in answer.json()["detail"]
        assert client.get(path).json()["roles"] == [ADMINS]
        add(hub, "second@example.org", (NORTH, Role.OPERATOR_ADMIN))
        demoted = client.put(f"{path}/roles", json={"roles": [VIEWER]}, headers=match)
        assert demoted.status_code == 200


@pytest.mark.parametrize(
    ("others", "is_refused"),
    [
        pytest.param([], True, id="nobody-else"),
        pytest.param([(CITY, Role.COUNCIL)], False, id="the-council-remains"),
        pytest.param([(SEA, Role.COUNCIL)], True, id="another-council"),
        pytest.param([(SOUTH, Role.OPERATOR_ADMIN)], True, id="another-operator"),
        pytest.param([(NORTH, Role.TECHNICIAN)], True, id="no-administrator"),
    ],
)
def test_who_counts_as_an_administrator_that_remains(
    hub: Hub, admin: people.Person, others: list[tuple[Tenant, Role]], is_refused: bool
) -> None:
    add(hub, "other@example.org", *others)
    refused = False
    try:
        with hub.database.write() as session:
            change = RoleChange(frozenset(), frozenset({NORTH}))
            people.set_roles(session, acting(hub), admin, change, hub.accounts.tenants)
    except LastAdminError:
        refused = True
    assert refused == is_refused


def test_a_council_that_goes_leaves_no_operator_without_anybody(hub: Hub) -> None:
    """Its last member manages the operator too, which has no administrator of its own."""
    mayor = add(hub, "mayor@example.org", (CITY, Role.COUNCIL))
    add(hub, "tech@example.org", (NORTH, Role.TECHNICIAN))
    tenants = hub.accounts.tenants
    text = r"council:city, operator:north-op"
    with hub.database.write() as session, pytest.raises(LastAdminError, match=text):
        people.set_disabled(session, acting(hub), mayor, tenants, disabled=True)


def test_two_administrators_cannot_remove_each_other_at_once(hub: Hub) -> None:
    pair = [add(hub, f"{n}@example.org", (NORTH, Role.OPERATOR_ADMIN)) for n in "ab"]
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def remove(person: people.Person) -> None:
        together.wait()
        try:
            with hub.database.write() as session:
                change = RoleChange(frozenset(), frozenset({NORTH}))
                people.set_roles(session, acting(hub), person, change, hub.accounts.tenants)
            outcomes.append("removed")
        except LastAdminError:
            outcomes.append("refused")

    threads = [threading.Thread(target=remove, args=(person,)) for person in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "removed"]


def test_two_changes_of_one_version_are_one_change(hub: Hub, admin: people.Person) -> None:
    with hub.database.write() as session:
        people.rename(session, acting(hub), admin, "One", admin.version)
    text = f"expected version {admin.version}"
    with hub.database.write() as session, pytest.raises(StaleError, match=text):
        people.rename(session, acting(hub), admin, "Two", admin.version)


@pytest.mark.parametrize(
    "text", ["", "ada", "@x.org", "a@", "a b@x.org", "a@x\n.org", "a@x.org, b@x.org", "<a@x.org>"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(AccountError, match="expected an e-mail address"):
        plain_email(text)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\x00", "x" * 121])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(AccountError, match="expected a name"):
        plain_name(text)


@pytest.mark.parametrize("text", ["", "council", "council:", "driver:x", "operator"])
def test_what_is_no_tenant(text: str) -> None:
    with pytest.raises(AccountError, match="expected council:NAME or operator:NAME"):
        Tenant.parse(text)
