"""Settings, errors, certificates, the box's own clock."""

from __future__ import annotations

import inspect
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import paho.mqtt
import paho.mqtt.client
import paho.mqtt.exception
import paho.mqtt.subscribeoptions
import pytest
import trustme
from pydantic import ValidationError

from edge_app.delivery import MqttConfig, OutboxConfig, TlsConfig
from edge_app.delivery.config import is_loopback
from edge_app.delivery.errors import (
    BrokerUnreachable,
    CertificateError,
    LinkError,
    ProtocolError,
    link_error,
    reason_text,
)
from edge_app.delivery.timesync import boot_id, clock_stamp, clock_synced
from edge_app.delivery.tls import fingerprint, tls_context
from tests.edge_app.delivery.kit import config


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True),
        ("localhost", True), ("LOCALHOST", True), ("localhost.example.com", False),
        ("10.0.0.1", False), ("0.0.0.0", False), ("broker", False), ("127.0.0.1.example", False),
    ],
)  # fmt: skip
def test_what_is_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_plaintext_goes_only_where_it_was_allowed_in_so_many_words(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="allow_plaintext = true"):
        config(host="broker.example.com")
    assert config(host="broker.example.com", allow_plaintext=True).tls is None
    tls = TlsConfig(ca_file=tmp_path / "ca.pem")
    assert config(host="broker.example.com", tls=tls).tls == tls


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"site": "a/b"}, "site"),
        ({"edge": "a b"}, "edge"),
        ({"prefix": "a//b"}, "prefix"),
        ({"port": 0}, "port"),
        ({"aws_root": "#"}, "aws_root"),
        ({"colour": "red"}, "colour"),
        ({"backoff_min_s": 90.0}, "backoff_min_s"),
        ({"password": "x"}, "username"),
        ({"keep_alive_s": 0}, "keep_alive_s"),
        ({"backlog_rate_hz": float("nan")}, "backlog_rate_hz"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config(**settings)


def test_passwords_are_not_shown() -> None:
    shown = repr(config(username="u", password="hush"))
    assert "hush" not in shown


@pytest.mark.parametrize("kind", [MqttConfig, OutboxConfig, TlsConfig])
def test_every_setting_explains_itself(kind: type[Any]) -> None:
    bare = [n for n, f in kind.model_fields.items() if not (f.title and f.description)]
    assert bare == []


def test_certificate_and_key_belong_together(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="go together"):
        TlsConfig(ca_file=tmp_path / "ca", cert_file=tmp_path / "cert")


def paho_exceptions() -> list[type[Exception]]:
    modules = (paho.mqtt.client, paho.mqtt.exception, paho.mqtt.subscribeoptions)
    found = {
        each
        for module in modules
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and each.__module__.startswith("paho.")
    }
    return sorted(found, key=lambda each: each.__qualname__ + each.__module__)


@pytest.mark.parametrize(
    "kind", paho_exceptions(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
def test_every_exception_of_paho_is_mapped(kind: type[Exception]) -> None:
    assert isinstance(link_error(kind("text"), "broker:1883"), ProtocolError)


def test_no_module_of_paho_hides_an_exception_from_the_test_above() -> None:
    folder = Path(paho.mqtt.__file__).parent
    declared = {
        name
        for path in folder.glob("*.py")
        for name in re.findall(
            r"^class (\w+)\((?:\w*Error|Exception|MQTTException)\)", path.read_text(), re.M
        )
    }
    assert declared == {each.__name__ for each in paho_exceptions()}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ssl.SSLCertVerificationError("no"), CertificateError),
        (ssl.SSLError(1, "no"), CertificateError),
        (ConnectionRefusedError(111, "Connection refused"), BrokerUnreachable),
        (socket.gaierror(-2, "Name or service not known"), BrokerUnreachable),
        (TimeoutError("timed out"), BrokerUnreachable),
        (ValueError("odd"), ProtocolError),
    ],
)
def test_other_exceptions_are_mapped(error: Exception, kind: type[LinkError]) -> None:
    mapped = link_error(error, "broker:1883")
    assert type(mapped) is kind
    assert "broker:1883" in str(mapped)
    assert link_error(mapped, "elsewhere") is mapped


def test_reason_codes_have_names() -> None:
    assert reason_text(0x87) == "0x87 Not authorized"
    assert reason_text(0x84) == "0x84 Unsupported protocol version"
    assert reason_text(0xEE) == "0xee"


def test_certificates_are_read_and_changes_noticed(tmp_path: Path) -> None:
    ca = trustme.CA()
    made = ca.issue_cert("edge-7.invalid", common_name="edge-7")
    other = ca.issue_cert("other.invalid", common_name="other")
    tls = TlsConfig(
        ca_file=tmp_path / "ca.pem", cert_file=tmp_path / "c.pem", key_file=tmp_path / "k.pem"
    )
    assert tls.cert_file is not None
    assert tls.key_file is not None
    with pytest.raises(CertificateError, match=r"ca\.pem"):
        tls_context(tls)
    ca.cert_pem.write_to_path(tls.ca_file)
    with pytest.raises(CertificateError, match=r"c\.pem"):
        tls_context(tls)
    made.cert_chain_pems[0].write_to_path(tls.cert_file)
    made.private_key_pem.write_to_path(tls.key_file)
    context = tls_context(tls)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    before = fingerprint(tls)
    assert fingerprint(tls) == before
    other.private_key_pem.write_to_path(tls.key_file)
    assert fingerprint(tls) != before
    with pytest.raises(CertificateError, match=r"c\.pem"):
        tls_context(tls)


def test_the_boxs_own_clock_is_told() -> None:
    first, second = clock_stamp(), clock_stamp()
    assert first.boot_id == second.boot_id == boot_id()
    assert second.mono_ms >= first.mono_ms > 0
    assert clock_synced() in {True, False, None}
