"""The registry: councils, operators, sites, lots, zones, bays and devices, and who said what.

Each thing has facts. A fact is said by a layout that arrived or by a person (by hand, by a file or
over the API), and a person's word stands before a layout's until it is taken back. Every change is
a version and an entry of history.

For other packages:

    take_layouts(session, edges, now_ms)    after the intake of a layout
    operator_of(session, site)              who runs a site
    council_of(session, operator)           for whom
    sites_of_operator, sites_of_council     the other way round
    things(session, Filter(...), limit)     a page of things

All take a `cloud_app.storage.Session`. Edits are `cloud_app.registry.edits`.
"""

from __future__ import annotations

from cloud_app.registry.kinds import (
    BAY,
    COUNCIL,
    DEVICE,
    KINDS,
    LOT,
    OPERATOR,
    SITE,
    ZONE,
    Kind,
    Ref,
)
from cloud_app.registry.layouts import take_layouts, take_unknown
from cloud_app.registry.queries import (
    Filter,
    council_of,
    operator_of,
    operators_of_council,
    sites_of_council,
    sites_of_operator,
    things,
)
from cloud_app.registry.things import Thing

__all__ = [
    "BAY",
    "COUNCIL",
    "DEVICE",
    "KINDS",
    "LOT",
    "OPERATOR",
    "SITE",
    "ZONE",
    "Filter",
    "Kind",
    "Ref",
    "Thing",
    "council_of",
    "operator_of",
    "operators_of_council",
    "sites_of_council",
    "sites_of_operator",
    "take_layouts",
    "take_unknown",
    "things",
]
