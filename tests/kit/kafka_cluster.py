"""librdkafka's mock cluster, whose brokers can be stopped and started.

It speaks Kafka's protocol on loopback ports, consumer groups included. Python's client gives no
hold on the brokers, so the library that it brings is called itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

_PRODUCER = 0


class KafkaCluster:
    """A running cluster.

    Attributes:
        bootstrap: host:port of each broker, joined by commas.
        brokers: how many there are; their numbers count from 1.
    """

    def __init__(self, brokers: int = 2, partitions: int = 4) -> None:
        self.brokers = brokers
        self._lib = _library()
        error = ctypes.create_string_buffer(512)
        self._client = self._lib.rd_kafka_new(
            _PRODUCER, self._lib.rd_kafka_conf_new(), error, len(error)
        )
        assert self._client, error.value.decode()
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._client, brokers)
        self.bootstrap = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        # As short as it may be: three seconds, as brokers wait for a group, would be the test.
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 100)
        self._partitions = partitions

    def make_topic(self, name: str) -> None:
        """A topic, on all brokers."""
        code = self._lib.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), self._partitions, self.brokers
        )
        assert code == 0, code

    def stop_broker(self, number: int) -> None:
        """Close a broker's connections, and take no new ones."""
        assert self._lib.rd_kafka_mock_broker_set_down(self._cluster, number) == 0

    def start_broker(self, number: int) -> None:
        """Let it be there again, with all that it had."""
        assert self._lib.rd_kafka_mock_broker_set_up(self._cluster, number) == 0

    def close(self) -> None:
        """End it."""
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._client)


@contextmanager
def running_kafka(brokers: int = 2, partitions: int = 4) -> Iterator[KafkaCluster]:
    cluster = KafkaCluster(brokers, partitions)
    try:
        yield cluster
    finally:
        cluster.close()


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    [path] = folder.glob("librdkafka-*.so*")
    library = ctypes.CDLL(str(path))
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
        ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
        ("rd_kafka_mock_broker_set_down", number, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_up", number, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
