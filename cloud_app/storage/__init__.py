"""The store: tables, migrations, intake and queries, on SQLite or PostgreSQL.

Statements are SQLAlchemy Core and stand next to the functions that run them, as constants, so each
is compiled once. There is no ORM. `open_database` gives a `Database`; its `write()` and `read()`
give a `Session`, one transaction, with

    session.rows(statement, {...})     all rows of a query
    session.run(statement, {...})      rows touched
    session.run_many(statement, [..])  the same statement many times
    session.upsert(UPSERT, rows)       insert or update in bulk (tuples in the order of its columns)
    session.load(table, rows)          insert new rows in bulk (COPY; tuples in the table's order)
    session.announce(edge)             tell the live feed, once it is committed

Only errors of `cloud_app.errors` come out: `StorageDownError` (the same work may succeed later) and
`StorageError` (it will not).

How a package adds its tables
-----------------------------
1. `cloud_app/PACKAGE/tables.py` defines them on the one metadata, in the forms of this store (times
   in `*_ms` as BigInteger, booleans as SmallInteger 0 and 1, documents as Text, every key Text or
   BigInteger; money is BigInteger of minor units and a currency):

       from sqlalchemy import Column, Table, Text
       from cloud_app.storage.tables import metadata

       operator = Table("operator", metadata, Column("operator", Text, primary_key=True), ...)

   `every_table()` finds any module of that name, and in storage any `*_tables.py`, so nothing in
   storage imports the package.
2. `cloud_app/storage/migrations/versions/NNNN_what.py` makes them: `revision` is the next number,
   `down_revision` the last one (there is one line of revisions; a test says so). A draft comes from

       alembic -x url=sqlite:////tmp/draft.db upgrade head
       alembic -x url=sqlite:////tmp/draft.db revision --autogenerate --rev-id NNNN -m "what"

   A revision never imports `tables.py`, which changes later. It runs on both databases (batch mode
   or plain SQL that both take; `op.get_context().dialect.name` where they differ), in the one
   transaction of the start, and `downgrade` calls `refuse_downgrade`.
3. `tests/cloud_app/storage/test_migrations.py` compares the tables with what the revisions make, on
   both databases, and needs no change.

Statements: `tests/cloud_app/storage/test_plans.py` shows how to prove that a query does not read a
large table whole.
"""
