"""Which permission each route asks for.

A route that is not here does not exist, whatever the application has: one that somebody adds is
closed until a line here opens it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from cloud_app.api.policy import Permission
from telemetry.provisioning import (
    ANNOUNCE_PATH,
    AUTHORITY_PATH,
    CLAIM_PATH,
    CRL_PATH,
    RENEW_PATH,
)

_V1 = "/api/v1"
OF_PEOPLE: Mapping[str, Mapping[str, Permission]] = {
    f"{_V1}/login": {"GET": Permission.PUBLIC, "POST": Permission.PUBLIC},
    f"{_V1}/login/provider": {"GET": Permission.PUBLIC},
    f"{_V1}/login/provider/answer": {"GET": Permission.PUBLIC},
    f"{_V1}/password-resets": {"POST": Permission.PUBLIC},
    f"{_V1}/links/{{kind}}": {"POST": Permission.PUBLIC},
    f"{_V1}/access": {"GET": Permission.PUBLIC},
    f"{_V1}/session": {"GET": Permission.SELF, "DELETE": Permission.SELF},
    f"{_V1}/sessions": {"GET": Permission.SELF, "DELETE": Permission.SELF},
    f"{_V1}/sessions/{{session_id}}": {"DELETE": Permission.SELF},
    f"{_V1}/me/password": {"PUT": Permission.SELF},
    f"{_V1}/me/totp": {"POST": Permission.SELF, "PUT": Permission.SELF},
    f"{_V1}/me/totp/removal": {"POST": Permission.SELF},
    f"{_V1}/tenants": {"GET": Permission.PEOPLE},
    f"{_V1}/people": {"GET": Permission.PEOPLE, "POST": Permission.PEOPLE},
    f"{_V1}/people/{{account}}": {"GET": Permission.PEOPLE, "PATCH": Permission.PEOPLE},
    f"{_V1}/people/{{account}}/roles": {"PUT": Permission.PEOPLE},
    f"{_V1}/people/{{account}}/invitation": {"POST": Permission.PEOPLE},
    f"{_V1}/people/{{account}}/sessions": {"DELETE": Permission.PEOPLE},
    f"{_V1}/keys": {"GET": Permission.KEYS, "POST": Permission.KEYS},
    f"{_V1}/keys/{{key}}": {"DELETE": Permission.KEYS},
    f"{_V1}/audit": {"GET": Permission.AUDIT},
    f"{_V1}/audit/export": {"GET": Permission.AUDIT},
}
OF_ALERTS: Mapping[str, Mapping[str, Permission]] = {
    f"{_V1}/alerts": {"GET": Permission.READ},
    # Before the alerts themselves, of which it would be one.
    f"{_V1}/alerts/assignees": {"GET": Permission.RESPOND},
    f"{_V1}/alerts/{{alert}}": {"GET": Permission.READ},
    f"{_V1}/alerts/{{alert}}/actions": {"POST": Permission.RESPOND},
    f"{_V1}/notifications": {
        "GET": Permission.NOTIFICATIONS,
        "POST": Permission.NOTIFICATIONS,
    },
    f"{_V1}/notifications/{{notification}}": {
        "GET": Permission.NOTIFICATIONS,
        "PUT": Permission.NOTIFICATIONS,
        "DELETE": Permission.NOTIFICATIONS,
    },
    f"{_V1}/notifications/{{notification}}/test": {"POST": Permission.NOTIFICATIONS},
}
OF_SCHEDULES: Mapping[str, Mapping[str, Permission]] = {
    f"{_V1}/report-schedules": {
        "GET": Permission.NOTIFICATIONS,
        "POST": Permission.NOTIFICATIONS,
    },
    f"{_V1}/report-schedules/{{schedule}}": {
        "PUT": Permission.NOTIFICATIONS,
        "DELETE": Permission.NOTIFICATIONS,
    },
    f"{_V1}/report-schedules/{{schedule}}/send": {"POST": Permission.NOTIFICATIONS},
}
OF_BOXES: Mapping[str, Mapping[str, Permission]] = {
    # Before a box is known: its code, a person or its key lets it in, not a session.
    CLAIM_PATH: {"POST": Permission.PUBLIC},
    ANNOUNCE_PATH: {"POST": Permission.PUBLIC},
    RENEW_PATH: {"POST": Permission.PUBLIC},
    AUTHORITY_PATH: {"GET": Permission.PUBLIC},
    CRL_PATH: {"GET": Permission.PUBLIC},
    f"{_V1}/provisioning": {"GET": Permission.PROVISION},
    f"{_V1}/provisioning/codes": {"GET": Permission.PROVISION, "POST": Permission.PROVISION},
    f"{_V1}/provisioning/codes/{{code_id}}": {"DELETE": Permission.PROVISION},
    f"{_V1}/provisioning/boxes": {"GET": Permission.PROVISION},
    f"{_V1}/provisioning/boxes/{{fingerprint}}": {"GET": Permission.PROVISION},
    f"{_V1}/provisioning/boxes/{{fingerprint}}/approval": {"POST": Permission.PROVISION},
    f"{_V1}/provisioning/boxes/{{fingerprint}}/refusal": {"POST": Permission.PROVISION},
    f"{_V1}/provisioning/certificates": {"GET": Permission.READ},
    f"{_V1}/provisioning/certificates/{{edge}}/revocation": {"POST": Permission.PROVISION},
}
OF_RULES: Mapping[str, Mapping[str, Permission]] = {
    f"{_V1}/rules": {"GET": Permission.RULES, "POST": Permission.RULES},
    # Before the rules themselves, of which these would be some.
    f"{_V1}/rules/built-in": {"GET": Permission.RULES},
    f"{_V1}/rules/variables": {"GET": Permission.RULES},
    f"{_V1}/rules/check": {"GET": Permission.RULES},
    f"{_V1}/rules/dry-run": {"POST": Permission.RULES},
    f"{_V1}/rules/{{rule}}": {
        "GET": Permission.RULES,
        "PUT": Permission.RULES,
        "DELETE": Permission.RULES,
    },
    f"{_V1}/rules/{{rule}}/release": {"POST": Permission.RULES},
    f"{_V1}/rules/{{rule}}/outcomes": {"GET": Permission.RULES},
    f"{_V1}/rules/{{rule}}/letters": {"GET": Permission.RULES, "DELETE": Permission.RULES},
    f"{_V1}/rules/{{rule}}/letters/replay": {"POST": Permission.RULES},
}
NEEDED: Mapping[str, Mapping[str, Permission]] = {
    "/health/live": {"GET": Permission.PUBLIC},
    "/health/ready": {"GET": Permission.PUBLIC},
    "/metrics": {"GET": Permission.READ},
    "/api/docs": {"GET": Permission.PUBLIC},
    "/api/openapi.json": {"GET": Permission.PUBLIC},
    f"{_V1}/sites": {"GET": Permission.READ},
    f"{_V1}/lots": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/availability": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/by-eye": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays/{{bay}}/sources": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays/{{bay}}/manual": {
        "PUT": Permission.WRITE,
        "DELETE": Permission.WRITE,
    },
    f"{_V1}/lots/{{site}}/{{lot}}/plan": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/series": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/forecast": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/forecast/accuracy": {"GET": Permission.READ},
    f"{_V1}/likely-free": {"GET": Permission.READ},
    f"{_V1}/sites/{{site}}/local-events": {
        "GET": Permission.READ,
        "PUT": Permission.REGISTRY,
    },
    f"{_V1}/lots/{{site}}/{{lot}}/stays": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/dwell": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/count": {"GET": Permission.READ, "POST": Permission.WRITE},
    f"{_V1}/lots/{{site}}/{{lot}}/levels": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/true-counts": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/gates": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/passages": {"GET": Permission.READ},
    f"{_V1}/intake/gates": {"POST": Permission.INTAKE},
    f"{_V1}/intake/plate-recognizer": {"POST": Permission.INTAKE},
    f"{_V1}/intake/hikvision": {"POST": Permission.INTAKE},
    f"{_V1}/intake/axis": {"POST": Permission.INTAKE},
    f"{_V1}/incidents": {"GET": Permission.READ},
    f"{_V1}/sensors": {"GET": Permission.READ},
    f"{_V1}/sensors/{{device}}": {"GET": Permission.READ},
    f"{_V1}/sensors/{{device}}/frames": {"GET": Permission.READ},
    f"{_V1}/sensors/{{device}}/downlinks": {"GET": Permission.READ, "POST": Permission.OPERATE},
    f"{_V1}/sensors/{{device}}/downlinks/{{downlink}}": {
        "GET": Permission.READ,
        "DELETE": Permission.OPERATE,
    },
    f"{_V1}/intake/chirpstack": {"POST": Permission.INTAKE},
    f"{_V1}/intake/things-stack": {"POST": Permission.INTAKE},
    f"{_V1}/intake/sensors": {"POST": Permission.INTAKE},
    f"{_V1}/edges": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/bays": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/health": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/gaps": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/bays/{{bay}}/history": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/shadow": {"GET": Permission.READ, "PATCH": Permission.WRITE},
    f"{_V1}/edges/{{edge}}/settings": {"GET": Permission.READ, "PATCH": Permission.OPERATE},
    f"{_V1}/edges/{{edge}}/commands": {"GET": Permission.READ, "POST": Permission.OPERATE},
    f"{_V1}/edges/{{edge}}/commands/{{command}}": {
        "GET": Permission.READ,
        "DELETE": Permission.OPERATE,
    },
    f"{_V1}/edges/{{edge}}/commands/{{command}}/file": {"GET": Permission.OPERATE},
    f"{_V1}/edges/{{edge}}/cameras/{{camera}}/calibration": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/cameras/{{camera}}/calibration/fetch": {"POST": Permission.PICTURES},
    f"{_V1}/edges/{{edge}}/cameras/{{camera}}/calibration/rollback": {"POST": Permission.PICTURES},
    f"{_V1}/campaigns": {"GET": Permission.READ, "POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}": {"GET": Permission.READ},
    f"{_V1}/campaigns/{{campaign}}/boxes": {"GET": Permission.READ},
    f"{_V1}/campaigns/{{campaign}}/start": {"POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}/pause": {"POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}/stop": {"POST": Permission.OPERATE},
    f"{_V1}/campaigns/{{campaign}}/retry": {"POST": Permission.OPERATE},
    f"{_V1}/events": {"GET": Permission.READ},
    f"{_V1}/live": {"GET": Permission.READ},
    f"{_V1}/map/lots": {"GET": Permission.READ},
    f"{_V1}/map/base": {"GET": Permission.READ},
    f"{_V1}/map/base.pmtiles": {"GET": Permission.READ},
    f"{_V1}/overview": {"GET": Permission.READ},
    f"{_V1}/search": {"GET": Permission.READ},
    f"{_V1}/reports": {"GET": Permission.READ},
    f"{_V1}/planning/unmet": {"GET": Permission.READ},
    f"{_V1}/planning/lots/{{site}}/{{lot}}": {"GET": Permission.READ},
    f"{_V1}/registry/map": {"GET": Permission.READ},
}
_THING = {
    "GET": Permission.READ,
    "PUT": Permission.REGISTRY,
    "PATCH": Permission.REGISTRY,
    "DELETE": Permission.REGISTRY,
}


def _registry(plural: str, ids: str) -> dict[str, Mapping[str, Permission]]:
    """The routes of one kind of thing of the registry."""
    one = f"{_V1}/registry/{plural}/{ids}"
    return {
        f"{_V1}/registry/{plural}": {"GET": Permission.READ},
        one: _THING,
        f"{one}/history": {"GET": Permission.READ},
        f"{one}/revert": {"POST": Permission.REGISTRY},
    }


NEEDED = {
    **NEEDED,
    **_registry("councils", "{council}"),
    **_registry("operators", "{operator}"),
    **_registry("sites", "{site}"),
    **_registry("lots", "{site}/{lot}"),
    **_registry("zones", "{site}/{lot}/{zone}"),
    **_registry("bays", "{site}/{lot}/{bay}"),
    **_registry("devices", "{device}"),
    f"{_V1}/registry/devices/{{device}}/replacement": {"POST": Permission.REGISTRY},
    **OF_PEOPLE,
    **OF_ALERTS,
    **OF_SCHEDULES,
    **OF_BOXES,
    **OF_RULES,
}


class RouteTable:
    """Which permission a request needs.

    Args:
        files: paths of the pages' own files, which everybody may load.
        needed: permission by path template and method.
        is_page: whether a path is the address of a page, which everybody may load too.
    """

    def __init__(
        self,
        files: Iterable[str] = (),
        needed: Mapping[str, Mapping[str, Permission]] = NEEDED,
        is_page: Callable[[str], bool] = lambda _path: False,
    ) -> None:
        self._files = frozenset(files)
        self._is_page = is_page
        self._routes = [(_pattern(path), methods) for path, methods in needed.items()]

    def methods(self, path: str) -> Mapping[str, Permission]:
        """The permission of each method that a path has; empty for a path without a rule."""
        if path in self._files or self._is_page(path):
            return {"GET": Permission.PUBLIC}
        for pattern, methods in self._routes:
            if pattern.fullmatch(path):
                return methods
        return {}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
