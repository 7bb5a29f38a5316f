"""Raw events in Parquet files, on disk or in an object store; see docs/lake.md."""
