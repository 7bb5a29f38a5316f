"""The tables, in SQL that SQLite and PostgreSQL both take.

Times are milliseconds since 1970 UTC in `*_ms` columns, booleans are 0 and 1, documents are JSON
text: one form in both databases. Nothing in them tells when or in which order a message arrived,
except `edge.seen_ms`, the quarantine, faults, and which site or edge came first with an edge's or a
lot's name: so duplicated and shuffled input ends in identical tables.
"""

from __future__ import annotations

from cloud_app.errors import StorageError
from cloud_app.storage.database import Session
from cloud_app.storage.heal import heal

VERSION = 3

_TABLES = (
    # One row per edge box, and the lock of all that belongs to it: an intake first touches the rows
    # of its edges in order of their names, so that two consumers never wait for each other.
    # (epoch, conn, dead) is the life that is known; only a later one replaces it.
    """CREATE TABLE edge (
        edge TEXT PRIMARY KEY, site TEXT NOT NULL, seen_ms BIGINT,
        epoch BIGINT NOT NULL DEFAULT 0, conn BIGINT NOT NULL DEFAULT 0,
        dead SMALLINT NOT NULL DEFAULT 1, reason TEXT, at_ms BIGINT, birth TEXT,
        health TEXT, health_ms BIGINT, layout TEXT)""",
    # What each layout hash stands for. Positions never change under one hash; kinds and zones may.
    """CREATE TABLE bay (
        edge TEXT NOT NULL, layout TEXT NOT NULL, place INTEGER NOT NULL, bay TEXT NOT NULL,
        site TEXT NOT NULL, lot TEXT NOT NULL, zone TEXT, level TEXT, camera TEXT NOT NULL,
        kind TEXT NOT NULL, angle TEXT NOT NULL,
        PRIMARY KEY (edge, layout, bay))""",
    """CREATE TABLE lot (
        site TEXT NOT NULL, lot TEXT NOT NULL, name TEXT, levels TEXT NOT NULL,
        lat DOUBLE PRECISION, lon DOUBLE PRECISION,
        PRIMARY KEY (site, lot))""",
    "CREATE INDEX bay_by_lot ON bay (site, lot)",
    # Projection. Keyed by the layout too: a state reported against one layout never shows in
    # another. `rank` breaks the tie at one seq: an event (1) knows more than a snapshot (0).
    """CREATE TABLE bay_state (
        edge TEXT NOT NULL, layout TEXT NOT NULL, bay TEXT NOT NULL,
        epoch BIGINT NOT NULL, seq BIGINT NOT NULL, rank SMALLINT NOT NULL, at_ms BIGINT NOT NULL,
        occ SMALLINT, closed SMALLINT NOT NULL, reason TEXT, since_ms BIGINT, conf DOUBLE PRECISION,
        PRIMARY KEY (edge, layout, bay))""",
    # The stream as the edge numbered it: changes and gaps.
    """CREATE TABLE event (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, site TEXT NOT NULL,
        kind TEXT NOT NULL, bay TEXT, time_ms BIGINT NOT NULL,
        occ SMALLINT, closed SMALLINT, reason TEXT, since_ms BIGINT, conf DOUBLE PRECISION,
        cause TEXT, layout TEXT, body TEXT NOT NULL,
        PRIMARY KEY (edge, epoch, seq))""",
    "CREATE INDEX event_by_bay ON event (edge, bay, epoch, seq)",
    "CREATE INDEX event_by_time ON event (time_ms)",
    # Ranges of seq that will never come, as a gap event or the quarantine says.
    """CREATE TABLE gap (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, first_seq BIGINT NOT NULL,
        last_seq BIGINT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (edge, epoch, first_seq, last_seq))""",
    # Contiguous watermark: every seq up to `upto` is in `event` or inside a `gap`. `top` is the
    # highest seq that is known to exist; a hole is where upto < top.
    """CREATE TABLE stream (
        edge TEXT NOT NULL, epoch BIGINT NOT NULL, upto BIGINT NOT NULL, top BIGINT NOT NULL,
        PRIMARY KEY (edge, epoch))""",
    """CREATE TABLE aggregate (
        edge TEXT NOT NULL, period_s INTEGER NOT NULL, start_ms BIGINT NOT NULL,
        observed_s DOUBLE PRECISION NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (edge, period_s, start_ms))""",
    # Messages that nobody could read: kept to the byte (base64), counted, alarmed.
    """CREATE TABLE quarantine (
        digest TEXT PRIMARY KEY, topic TEXT NOT NULL, payload TEXT NOT NULL, reason TEXT NOT NULL,
        first_ms BIGINT NOT NULL, times INTEGER NOT NULL)""",
    """CREATE TABLE shadow (
        thing TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, body TEXT,
        changed_ms BIGINT NOT NULL,
        PRIMARY KEY (thing, name))""",
    """CREATE TABLE alert (
        rule TEXT NOT NULL, site TEXT NOT NULL, subject TEXT NOT NULL,
        opened_ms BIGINT NOT NULL, closed_ms BIGINT, text TEXT NOT NULL,
        open_sent SMALLINT NOT NULL DEFAULT 0,
        close_sent SMALLINT NOT NULL DEFAULT 0,
        PRIMARY KEY (rule, site, subject, opened_ms))""",
)
_INCIDENTS = (
    # The newest position of each incident; `ended_ms` stays empty while it lasts.
    """CREATE TABLE incident (
        edge TEXT NOT NULL, incident TEXT NOT NULL, epoch BIGINT NOT NULL, seq BIGINT NOT NULL,
        site TEXT NOT NULL, layout TEXT NOT NULL, camera TEXT NOT NULL, kind TEXT NOT NULL,
        bays TEXT NOT NULL, area TEXT, vehicle TEXT, conf DOUBLE PRECISION NOT NULL, box TEXT,
        began_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL, stood_s DOUBLE PRECISION NOT NULL,
        limit_s DOUBLE PRECISION, ended_ms BIGINT, reason TEXT,
        PRIMARY KEY (edge, incident))""",
    "CREATE INDEX incident_by_time ON incident (began_ms)",
    # Which incidents lasted at each edge's newest snapshot, as JSON.
    """CREATE TABLE incident_list (
        edge TEXT PRIMARY KEY, epoch BIGINT NOT NULL, seq BIGINT NOT NULL, at_ms BIGINT NOT NULL,
        ids TEXT NOT NULL)""",
)
_PLACING = (
    # What is wrong with an edge: it publishes under another site, floods, disputes a lot.
    """CREATE TABLE edge_fault (
        edge TEXT NOT NULL, kind TEXT NOT NULL, site TEXT NOT NULL, detail TEXT NOT NULL,
        first_ms BIGINT NOT NULL, last_ms BIGINT NOT NULL, times BIGINT NOT NULL,
        PRIMARY KEY (edge, kind))""",
    # Whose description of the lot stands, as long as that edge serves it.
    "ALTER TABLE lot ADD COLUMN edge TEXT",
)
# From each older version to the next: what a database needs that was made by it.
_STEPS = {1: _INCIDENTS, 2: _PLACING}
_HEALED = 3
_META = "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"


def create(session: Session) -> None:
    """Create the tables in an empty database, bring an older one up, touch nothing in a new one.

    Even an index that exists is locked by PostgreSQL before it is passed over, and another consumer
    may be writing.

    Raises:
        StorageError: the database holds another version's schema.
    """
    session.run(_META)
    found = session.rows("SELECT value FROM meta WHERE key = 'schema_version'")
    if not found:
        for statement in (*_TABLES, *_INCIDENTS, *_PLACING):
            session.run(statement)
        session.run("INSERT INTO meta (key, value) VALUES ('schema_version', ?)", (str(VERSION),))
        return
    version = found[0][0]
    while version.isdecimal() and int(version) in _STEPS:
        for statement in _STEPS[int(version)]:
            session.run(statement)
        version = str(int(version) + 1)
        if int(version) == _HEALED:
            heal(session)
        session.run("UPDATE meta SET value = ? WHERE key = 'schema_version'", (version,))
    if version != str(VERSION):
        msg = f"the database's schema_version must be {VERSION}, but it is {version}"
        raise StorageError(msg)
