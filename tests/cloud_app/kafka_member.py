"""One consumer of a group, as a process to be killed: `python -m ... BOOTSTRAP TOPIC GROUP DB`."""

from __future__ import annotations

import sys
from pathlib import Path

from cloud_app.config import IngestConfig, KafkaConfig, KafkaSourceConfig
from cloud_app.ingest.kafka_source import KafkaSource
from cloud_app.ingest.worker import IngestWorker
from cloud_app.storage.sqlite import SqliteDatabase
from telemetry import SystemClock
from tests.cloud_app.kafka_kit import Edges, options


def main() -> None:
    bootstrap, topic, group, path = sys.argv[1:]
    config = KafkaConfig(
        bootstrap=bootstrap,
        sink=False,
        source=KafkaSourceConfig(topic=topic, group=group),
        options=options(session_timeout_ms=1000),
    )
    database, clock = SqliteDatabase(Path(path)), SystemClock()
    worker = IngestWorker(database, (), Edges(), IngestConfig(batch_rows=5), "pk", clock, print)
    KafkaSource(config, worker.take, 5, clock).run()


if __name__ == "__main__":
    main()
