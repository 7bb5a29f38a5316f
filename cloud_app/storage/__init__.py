"""The tables: schema, intake, queries, on SQLite or PostgreSQL."""
