"""Rows in bulk: any text arrives as it is, in order, and all or nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from cloud_app.errors import StorageError
from cloud_app.storage.database import Database
from cloud_app.storage.tables import lot, quarantine
from cloud_app.storage.upsert import Upsert, names, same

_KEEP = Upsert(quarantine, names(quarantine), same("reason"))
_LOT = Upsert(lot, names(lot), same("name", "lat"))
WILD = [
    "",
    "NULL",
    "null",
    '"',
    '\\"',
    "back\\slash",
    "{a,b}",
    "\n\r\t\x01",
    " ",
    "ü車",
    "%s %(a)s",
]


def test_any_text_arrives_as_it_is(database: Database) -> None:
    rows = [(f"{n}", text, text, text, n, 1) for n, text in enumerate(WILD)]
    with database.write() as session:
        session.upsert(_KEEP, rows)
        found = session.rows(select(quarantine).order_by(quarantine.c.first_ms))
    assert [tuple(row) for row in found] == rows


def test_numbers_and_nothing_arrive_as_they_are(database: Database) -> None:
    rows = [
        ("s", "a", None, "[]", None, -0.1, None),
        ("s", "b", "x", "[]", 1e-300, 179.999999999999, "e"),
        ("s", "c", "\\", "[]", 2.0, None, None),
    ]
    with database.write() as session:
        session.upsert(_LOT, rows)
        found = session.rows(select(lot).order_by(lot.c.lot))
    assert [tuple(row) for row in found] == rows


def test_each_statement_sees_what_was_said_before(database: Database) -> None:
    with database.write() as session:
        for text in ("first", "second"):
            session.upsert(_KEEP, [("1", "t", "p", text, 1, 1)])
            assert [row.reason for row in session.rows(select(quarantine))] == [text]
        session.upsert(_KEEP, [("1", "t", "p", "third", 1, 1)])
        session.load(quarantine, [("2", "t", "p", "fourth", 2, 1)])
        session.upsert(_KEEP, [("2", "t", "p", "fifth", 2, 1)])
    with database.read() as session:
        found = session.rows(select(quarantine.c.reason).order_by(quarantine.c.first_ms))
    assert [reason for (reason,) in found] == ["third", "fifth"]


def test_a_row_that_does_not_fit_takes_all_back(database: Database) -> None:
    def keep(*reasons: str | None) -> None:
        with database.write() as session:
            for n, reason in enumerate(reasons):
                session.upsert(_KEEP, [(f"{n}", "t", "p", reason, n, 1)])

    with pytest.raises(StorageError):
        keep("good", None, "good")
    with database.write() as session:
        assert session.rows(select(quarantine)) == []
        session.upsert(_KEEP, [("4", "t", "p", "good", 4, 1)])
    with database.read() as session:
        assert [row.digest for row in session.rows(select(quarantine))] == ["4"]
