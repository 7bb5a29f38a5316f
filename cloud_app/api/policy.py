"""Who may do what: the one place that decides it, for every route and every site.

What is not in `ROUTES` does not exist, whatever the application has: a route that somebody adds is
closed until a line here opens it. What a caller may see within a route is its `sites`, which go
into the query itself, so that a limit counts what the caller sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cloud_app.config import Scope


class Permission(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    READ = "read"
    WRITE = "write"


_V1 = "/api/v1"
_NEEDED: Mapping[str, Mapping[str, Permission]] = {
    "/health/live": {"GET": Permission.PUBLIC},
    "/health/ready": {"GET": Permission.PUBLIC},
    "/metrics": {"GET": Permission.READ},
    "/api/docs": {"GET": Permission.PUBLIC},
    "/api/openapi.json": {"GET": Permission.PUBLIC},
    f"{_V1}/sites": {"GET": Permission.READ},
    f"{_V1}/lots": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/bays": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/series": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/stays": {"GET": Permission.READ},
    f"{_V1}/lots/{{site}}/{{lot}}/dwell": {"GET": Permission.READ},
    f"{_V1}/incidents": {"GET": Permission.READ},
    f"{_V1}/edges": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/gaps": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/bays/{{bay}}/history": {"GET": Permission.READ},
    f"{_V1}/edges/{{edge}}/shadow": {"GET": Permission.READ, "PATCH": Permission.WRITE},
    f"{_V1}/events": {"GET": Permission.READ},
    f"{_V1}/alerts": {"GET": Permission.READ},
    f"{_V1}/live": {"GET": Permission.READ},
    f"{_V1}/registry/map": {"GET": Permission.READ},
}
_THING = {
    "GET": Permission.READ,
    "PUT": Permission.WRITE,
    "PATCH": Permission.WRITE,
    "DELETE": Permission.WRITE,
}


def _registry(plural: str, ids: str) -> dict[str, Mapping[str, Permission]]:
    """The routes of one kind of thing of the registry."""
    one = f"{_V1}/registry/{plural}/{ids}"
    return {
        f"{_V1}/registry/{plural}": {"GET": Permission.READ},
        one: _THING,
        f"{one}/history": {"GET": Permission.READ},
        f"{one}/revert": {"POST": Permission.WRITE},
    }


_NEEDED = {
    **_NEEDED,
    **_registry("councils", "{council}"),
    **_registry("operators", "{operator}"),
    **_registry("sites", "{site}"),
    **_registry("lots", "{site}/{lot}"),
    **_registry("zones", "{site}/{lot}/{zone}"),
    **_registry("bays", "{site}/{lot}/{bay}"),
    **_registry("devices", "{device}"),
}
_SCOPES = {Permission.READ: Scope.READ, Permission.WRITE: Scope.WRITE}


@dataclass(frozen=True, slots=True)
class SiteSet:
    """The sites that a caller sees.

    Attributes:
        names: these; none at all if empty.
        is_all: every site there is, whatever `names` holds.
    """

    names: frozenset[str] = frozenset()
    is_all: bool = False

    def sees(self, site: str) -> bool:
        """Whether a site's facts may be shown."""
        return self.is_all or site in self.names

    def only(self, site: str | None) -> SiteSet:
        """These sites, or of them only the one that was asked for."""
        if site is None:
            return self
        return SiteSet(frozenset({site} if self.sees(site) else ()))

    @property
    def wanted(self) -> frozenset[str] | None:
        """For queries: the sites to look at; None for all."""
        return None if self.is_all else self.names


ALL_SITES = SiteSet(is_all=True)


@dataclass(frozen=True, slots=True)
class Access:
    """What a caller may do.

    Attributes:
        name: of the token, or `anonymous`.
        scopes: read, write.
        sites: it sees.
    """

    name: str
    scopes: frozenset[Scope]
    sites: SiteSet = field(default_factory=SiteSet)

    def may(self, permission: Permission) -> bool:
        """Whether a route with this need is open to the caller."""
        return permission is Permission.PUBLIC or _SCOPES[permission] in self.scopes


class RouteTable:
    """Which permission a request needs.

    Args:
        files: paths of the page's own files, which everybody may load.
        needed: permission by path template and method.
    """

    def __init__(
        self,
        files: Iterable[str] = (),
        needed: Mapping[str, Mapping[str, Permission]] = _NEEDED,
    ) -> None:
        self._files = frozenset(files)
        self._routes = [(_pattern(path), methods) for path, methods in needed.items()]

    def methods(self, path: str) -> Mapping[str, Permission]:
        """The permission of each method that a path has; empty for a path that nobody opened."""
        if path in self._files:
            return {"GET": Permission.PUBLIC}
        for pattern, methods in self._routes:
            if pattern.fullmatch(path):
                return methods
        return {}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
