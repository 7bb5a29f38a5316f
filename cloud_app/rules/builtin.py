"""When somebody is told: an edge away, a camera lost, a lot full, a sensor that is often wrong.

A condition that becomes true opens an alert, one that ceases closes it; a loss of events is an
alert at once. Alerts live in the tables, so a restart neither repeats nor forgets one. Who is told
of them is no matter of the rules: see `cloud_app.alerts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set

from cloud_app.alert_words import AlertRule
from cloud_app.config import GatesConfig, RulesConfig
from cloud_app.occupancy.count_alerts import drifts, silent_gates
from cloud_app.storage.alert_life import (
    Subject,
    cease_all,
    lasting_alerts,
    open_all,
    tell_losses,
)
from cloud_app.storage.conditions import blind_cameras, edges_away, edges_unheard
from cloud_app.storage.database import Row, Session
from cloud_app.storage.incidents import IncidentFilter, incidents
from cloud_app.storage.placing import faults_since
from cloud_app.storage.queries import Now, lots_now
from cloud_app.storage.sensors import low_batteries, silent_sensors
from cloud_app.storage.times import from_ms
from cloud_app.storage.truths import lasting_differences, lying_sensors
from cloud_app.stream import FaultKind
from cloud_app.views import IncidentItem
from telemetry import IncidentKind, UnknownReason
from telemetry.messages import OfflineReason

# Reasons that lie with the camera or its picture; the others pass by themselves.
_CAMERA_REASONS = frozenset(
    {
        UnknownReason.CAMERA_LOST,
        UnknownReason.FROZEN,
        UnknownReason.BLIND,
        UnknownReason.VIEW_MOVED,
        UnknownReason.MODEL_ERROR,
    }
)


_INCIDENT_WORDS = {
    IncidentKind.OUTSIDE_BAY: "Outside the bays",
    IncidentKind.DOUBLE_PARKING: "Double parking",
    IncidentKind.STRADDLING: "Over two bays",
    IncidentKind.OVERSTAY: "Overstay",
    IncidentKind.WRONG_USE: "Wrong kind of bay",
}
_FAULT_TEXTS = {
    FaultKind.WRONG_SITE: "Edge {edge} belongs to {site}, but something publishes as {edge} under "
    "{detail}: {times} messages went to the quarantine. If the box was moved, move it here too "
    "(`lotsight-cloud edge move`); else look at the broker's access list.",
    FaultKind.NOT_REGISTERED: "Something publishes as edge {edge} under {site}, which is not "
    "registered: {times} messages went to the quarantine.",
    FaultKind.LOT_DISPUTED: "Edge {edge} of {site} describes lot {detail} otherwise than the edge "
    "that described it first; the first description stands.",
    FaultKind.FLOODING: "Edge {edge} of {site} sends more than its budget: {times} messages were "
    "dropped, to be sent again.",
}
# So long after it was last seen a fault of an edge counts as over.
_FAULT_LASTS_MS = 600_000
# Their subjects begin with the edge that tells of them.
_OF_EDGES = {AlertRule.EDGE_OFFLINE, AlertRule.CAMERA_LOST, AlertRule.INCIDENT}
# More vehicles that stand wrongly at once are one problem, not so many alerts.
_INCIDENTS_MAX = 1000
# Of one lot; more are told in one alert.
_SILENT_EACH_MAX = 10


Conditions = dict[Subject, str]


def conditions(
    session: Session,
    now: Now,
    config: RulesConfig,
    lasting: Mapping[Subject, int],
    listening_since_ms: int,
    gates: GatesConfig | None = None,
) -> Conditions:
    """All that is true now, each with a sentence for people."""
    return {
        **_edges_away(session, now, config, listening_since_ms),
        **_cameras_lost(session, now, config),
        **_lots_full(session, now, config, lasting),
        **_incidents(session, now, config),
        **_edge_faults(session, now),
        **_sensors_silent(session, now, listening_since_ms),
        **_batteries_low(session),
        **_gates_silent(session, now, gates or GatesConfig(), lasting, listening_since_ms),
        **_counts_off(session, config),
        **_sources_differ(session, now, config),
        **_sensors_lie(session),
    }


def _gates_silent(
    session: Session,
    now: Now,
    config: GatesConfig,
    lasting: Mapping[Subject, int],
    listening_since_ms: int,
) -> Conditions:
    found: Conditions = {}
    for gate in silent_gates(session, now.now_ms, config.silent_after_s):
        subject = Subject(AlertRule.GATE_SILENT, gate.site, gate.gate)
        # While we were away ourselves, its silence says nothing new.
        listened_s = (now.now_ms - listening_since_ms) / 1000
        if gate.heard is not None and (subject in lasting or listened_s >= gate.silent_after_s):
            found[subject] = (
                f"Gate {gate.name or gate.gate} of lot {gate.lot} at {gate.site} was last heard of "
                f"at {gate.heard:%Y-%m-%d %H:%M:%S} UTC; what passes it is not counted, and the "
                "count of the lot is soon called unknown."
            )
    return found


def _counts_off(session: Session, config: RulesConfig) -> Conditions:
    found: Conditions = {}
    for each in drifts(session, config.count_drift_share, config.count_drift_least):
        site, lot = each.lot.site, each.lot.lot
        side = "above" if each.drift > 0 else "below"
        told = (
            f"The gates of lot {lot} at {site} count {abs(each.drift)} vehicles {side} what the "
            "lot can hold. Set the count, and look at the gates."
            if each.is_impossible
            else f"When the count of lot {lot} at {site} was last set to the truth it was "
            f"{abs(each.drift)} vehicles {side} it. Look at the gates: one misses vehicles."
        )
        found[Subject(AlertRule.COUNT_DRIFT, site, lot)] = told
    return found


def _edges_away(
    session: Session, now: Now, config: RulesConfig, listening_since_ms: int
) -> Conditions:
    found: Conditions = {}
    for edge in edges_away(session, now, int(config.edge_offline_s * 1000)):
        # A box that said it moves is not missing; one never heard of was away before we came.
        if edge.reason == OfflineReason.MOVED:
            continue
        # While we were away ourselves, its silence says nothing.
        away_s = (now.now_ms - max(edge.seen_ms, listening_since_ms)) / 1000
        if away_s >= config.edge_offline_s:
            why = f", it said {edge.reason}" if edge.reason else ""
            found[Subject("edge_offline", edge.site, edge.edge)] = (
                f"Edge {edge.edge} of {edge.site} was last heard of at "
                f"{from_ms(edge.seen_ms):%Y-%m-%d %H:%M:%S} UTC{why}; its {edge.bays} bays are "
                "stale."
            )
    return found


def _cameras_lost(session: Session, now: Now, config: RulesConfig) -> Conditions:
    found: Conditions = {}
    for camera in blind_cameras(session, now):
        if camera.reason not in _CAMERA_REASONS:
            continue
        if now.now_ms - camera.youngest_ms >= config.camera_lost_s * 1000:
            found[Subject("camera_lost", camera.site, f"{camera.edge}/{camera.camera}")] = (
                f"Camera {camera.camera} of edge {camera.edge} at {camera.site} tells nothing of "
                f"its {camera.bays} bays since {from_ms(camera.youngest_ms):%Y-%m-%d %H:%M:%S} "
                f"UTC: {camera.reason}."
            )
    return found


def _lots_full(
    session: Session, now: Now, config: RulesConfig, lasting: Mapping[Subject, int]
) -> Conditions:
    found: Conditions = {}
    for lot in lots_now(session, now):
        subject = Subject("lot_full", lot.site, lot.lot)
        limit = config.lot_clear_at if subject in lasting else config.lot_full_at
        # Unknown and stale bays count as open: a lot of which little is known is not called full.
        open_bays = lot.counts.bays - lot.counts.closed
        if open_bays and lot.counts.occupied / open_bays >= limit:
            found[subject] = (
                f"Lot {lot.name or lot.lot} of {lot.site} is full: {lot.counts.occupied} of "
                f"{open_bays} open bays are occupied."
            )
    return found


def _incidents(session: Session, now: Now, config: RulesConfig) -> Conditions:
    found: Conditions = {}
    if not config.incident_kinds:
        return found
    for item in incidents(session, now, IncidentFilter(is_open=True), _INCIDENTS_MAX):
        is_told = item.kind in config.incident_kinds
        # An absent edge cannot tell the end; its incidents say nothing of now.
        if not is_told or item.stale or not _stands_long(item, config):
            continue
        bays = f" at {', '.join(item.bays)}" if item.bays else ""
        where = f" in {item.area}" if item.area else ""
        found[Subject("incident", item.site, f"{item.edge}/{item.incident}")] = (
            f"{_INCIDENT_WORDS[item.kind]}{bays}{where}: a {item.vehicle or 'vehicle'} seen by "
            f"camera {item.camera} of {item.site} since {item.began:%Y-%m-%d %H:%M:%S} UTC."
        )
    return found


def _edge_faults(session: Session, now: Now) -> Conditions:
    return {
        Subject(f"edge_{each.kind}", each.site, each.edge): _FAULT_TEXTS[each.kind].format(
            edge=each.edge, site=each.site, detail=each.detail, times=each.times
        )
        for each in faults_since(session, now.now_ms - _FAULT_LASTS_MS)
    }


def _sensors_silent(session: Session, now: Now, listening_since_ms: int) -> Conditions:
    by_lot: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in silent_sensors(session, now.now_ms):
        # While we were away ourselves, its silence says nothing.
        span_ms = 0 if row.until_ms is None else row.until_ms - row.heard_ms
        if now.now_ms - max(row.heard_ms or 0, listening_since_ms) >= span_ms:
            by_lot[row.site, row.lot or ""].append(row)
    found: Conditions = {}
    for (site, lot), rows in by_lot.items():
        if lot and len(rows) > _SILENT_EACH_MAX:
            # A gateway or network server is away: one problem, not so many.
            found[Subject("sensor_silent", site, f"{lot}/*")] = (
                f"{len(rows)} sensors of lot {lot} of {site} are silent; what their bays hold is "
                "not known. Look at the gateway and the network server first."
            )
            continue
        for row in rows:
            heard = "never" if row.heard_ms is None else f"{from_ms(row.heard_ms):%Y-%m-%d %H:%M}"
            found[Subject("sensor_silent", site, row.device)] = (
                f"Sensor {row.device}{_bay_of(row)} of {site} was last heard of at {heard} UTC."
            )
    return found


def _batteries_low(session: Session) -> Conditions:
    found: Conditions = {}
    for row in low_batteries(session):
        left = [
            f"{value:g} {unit}"
            for value, unit in ((row.battery_pct, "%"), (row.battery_v, "V"))
            if value is not None
        ]
        found[Subject("sensor_battery", row.site, row.device)] = (
            f"The battery of sensor {row.device}{_bay_of(row)} of {row.site} is low"
            f"{': ' if left else ''}{', '.join(left)}."
        )
    return found


def _bay_of(row: Row) -> str:
    return f" of bay {row.bay}" if row.bay else ""


def _sources_differ(session: Session, now: Now, config: RulesConfig) -> Conditions:
    before_ms = now.now_ms - int(config.sources_differ_s * 1000)
    return {
        Subject(AlertRule.SOURCES_DIFFER, row.site, f"{row.lot}/{row.bay}"): (
            f"The sources of bay {row.bay} in lot {row.lot} of {row.site} differ since "
            f"{from_ms(row.differ_ms):%Y-%m-%d %H:%M:%S} UTC; the bay's panel shows what each says."
        )
        for row in lasting_differences(session, before_ms)
    }


def _sensors_lie(session: Session) -> Conditions:
    return {
        Subject(AlertRule.SENSOR_LIES, site, sensor): (
            f"Sensor {sensor} of {site} was wrong for {100 * (trust.recent.share or 0):.0f} % of "
            "the last day or two, as far as another source could check it: see to it, or to where "
            "it stands."
        )
        for site, sensor, trust in lying_sensors(session)
    }


def _stands_long(item: IncidentItem, config: RulesConfig) -> bool:
    # A limit that is passed was long enough already.
    return item.limit_s is not None or item.stood_s >= config.incident_after_s


def _not_known_yet(
    session: Session,
    now: Now,
    config: RulesConfig,
    over: Set[Subject],
    listening_since_ms: int,
) -> set[Subject]:
    """Of alerts that seem over those that only our own absence ends.

    Whoever has acknowledged an alert before a restart has it afterwards: what we have not heard of
    again keeps it as it was, until the time after which an edge counts as away.
    """
    if not over or now.now_ms - listening_since_ms >= config.edge_offline_s * 1000:
        return set()
    unheard = edges_unheard(session, listening_since_ms)
    edges, sites = ({row[n] for row in unheard} for n in (0, 1))
    return {
        subject
        for subject in over
        if (subject.rule in _OF_EDGES and subject.subject.partition("/")[0] in edges)
        or (subject.rule == AlertRule.LOT_FULL and subject.site in sites)
    }


def _is_ours(subject: Subject) -> bool:
    """Whether the alert is one of these; those of people's rules are not ours to close."""
    return subject.rule in set(AlertRule) and subject.rule != AlertRule.RULE_QUARANTINED


def judge(
    session: Session,
    now: Now,
    config: RulesConfig,
    listening_since_ms: int = 0,
    gates: GatesConfig | None = None,
) -> None:
    """Open and close alerts by what is true now.

    Args:
        session: to read and write with.
        now: the moment.
        config: the limits.
        listening_since_ms: since when we hear the broker.
        gates: when one is silent; the defaults if absent.
    """
    known = {each: number for each, number in lasting_alerts(session).items() if _is_ours(each)}
    true_now = conditions(session, now, config, known, listening_since_ms, gates)
    news = sorted(true_now.keys() - known.keys())
    texts = [(subject, true_now[subject]) for subject in news]
    open_all(session, texts, now.now_ms, config.severity_of)
    over = known.keys() - true_now.keys()
    kept = _not_known_yet(session, now, config, over, listening_since_ms)
    cease_all(session, [known[subject] for subject in over - kept], now.now_ms)
    tell_losses(session, now.now_ms, config.severity_of)
