"""What the process knows as a secret is in no text, however it was escaped."""

from __future__ import annotations

import io
import json
import logging
import sys
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_app.addresses import Address, register_address, shown
from edge_app.config import LogConfig, LogFormat
from edge_app.logs import LineFormatter
from edge_app.redaction import SECRETS, MaskedRecord, Registry, mask_error, mask_patterns
from tests.edge_app.secret_forms import forms, leaks

# Long enough not to stand in the words around it by chance.
PASSWORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=7, max_size=24
).filter(lambda text: text == text.strip() and len(set(text)) > 4)
# Not a matter of time: the registry of this process grows with every example.
patiently = settings(deadline=None, max_examples=60)
URL_PASSWORDS = PASSWORDS.filter(lambda text: not any(sign in text for sign in "@\r\n\t"))


@patiently
@given(password=PASSWORDS)
def test_every_form_of_a_password_is_masked(password: str) -> None:
    registry = Registry()
    registry.add(password, "viewer")
    for form in forms(password):
        masked = registry.mask(f"begin <{form}> end")
        assert leaks(masked, password) == [], form
        assert masked.startswith("begin <")


@patiently
@given(password=PASSWORDS, place=st.sampled_from(["user", "query", "path", "odd"]))
def test_a_password_anywhere_in_an_address(password: str, place: str) -> None:
    quoted = quote(password, safe="")
    address = {
        "user": f"rtsp://viewer:{quoted}@192.0.2.1:554/live?channel=1",
        "query": f"http://192.0.2.1/videostream.cgi?loginuse=viewer&loginpas={quoted}&channel=1",
        "path": f"rtsp://192.0.2.1/user=viewer_password={quoted}_channel=1_stream=0.sdp",
        "odd": f"http://192.0.2.1/tmpfs/auto.jpg?-usr=viewer&-pwd={quoted}&p={quoted}",
    }[place]
    assert leaks(shown(address), password) == []
    assert "192.0.2.1" in shown(address)
    register_address(address)
    assert leaks(SECRETS.mask(f"no answer from {address}: {password!r}"), password) == []


@patiently
@given(password=URL_PASSWORDS)
def test_a_password_that_nobody_escaped(password: str) -> None:
    address = f"rtsp://viewer:{password}@192.0.2.1:554/live"
    assert leaks(shown(address), password) == []
    register_address(address)
    assert leaks(SECRETS.mask(f"cannot open {address}: {password}"), password) == []


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("rtsp://u:pa ss\"w'ord@h:554/x", "rtsp://h:554/x"),
        ("http://u:p/a?s#s@h/x", "http://h/x"),
        ("http://u:p@h/", "http://h/"),
        ("rtsp://t0ken@h/x", "rtsp://h/x"),
        ("rtsp://u:p@ss/w?d@h:554/x", "rtsp://h:554/x"),
        ("http://h/v.cgi?loginuse=a&loginpas=b&channel=1",
         "http://h/v.cgi?loginuse=a&loginpas=***&channel=1"),
        ("http://h/i.jpg?-usr=a&-pwd=b", "http://h/i.jpg?-usr=a&-pwd=***"),
        ("http://h/i.jpg?p=12&subtype=0", "http://h/i.jpg?p=***&subtype=0"),
        ("rtsp://h/user=a_password=b_channel=1_stream=0.sdp",
         "rtsp://h/user=a_password=***_channel=1_stream=0.sdp"),
        ("http://h/x?unheard_of=v4lue", "http://h/x?unheard_of=***"),
        ("rtsp://h/cam/realmonitor?channel=1&subtype=0",
         "rtsp://h/cam/realmonitor?channel=1&subtype=0"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"),
        ("rtsp://h/Streaming/Channels/101", "rtsp://h/Streaming/Channels/101"),
        ("north.mp4", "north.mp4"),
    ],
)  # fmt: skip
def test_what_is_shown_of_an_address(address: str, text: str) -> None:
    assert shown(address) == text


@pytest.mark.parametrize(
    ("address", "host", "password"),
    [
        ("rtsp://u:p%40ss@h:554/x", "h:554", "p@ss"),
        ("http://u:p/a?s#s@h/x", "h", "p/a?s#s"),
        ("http://u:pa ss@h/x?mail=a@b", "h", "pa ss"),
        ("http://h/x?mail=a@b", "h", None),
        ("http://h:80/x@y", "h:80", None),
        ("http://u:p@[::1]:80/", "[::1]:80", "p"),
    ],
)
def test_where_an_address_ends_its_login(address: str, host: str, password: str | None) -> None:
    parsed = Address.parse(address)
    assert parsed is not None
    assert (parsed.host, parsed.password) == (host, password)
    again = Address.parse(str(parsed))
    assert again == parsed


@patiently
@given(password=st.text(min_size=1, max_size=4).filter(str.strip))
def test_a_short_secret_is_hidden_where_it_stands_alone(password: str) -> None:
    registry = Registry()
    registry.add(password)
    if len(password) < 3:
        assert registry.mask(f"say <{password}>") == f"say <{password}>"
    elif password.isalnum() and password.isascii():
        assert registry.mask(f"x{password}y") == f"x{password}y"
        assert registry.mask(f"say <{password}>") == "say <***>"


def test_structures_keep_their_shape() -> None:
    registry = Registry()
    for secret in ("true", "1234567", '": {"', "condition"):
        registry.add(secret)
    facts = {"condition": "true", "count": 1234567, "on": True, "list": ['say ": {"', None]}
    masked = registry.mask_values(facts)
    assert masked == {"condition": "***", "count": 1234567, "on": True, "list": ["say ***", None]}
    assert json.loads(json.dumps(masked)) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic dmlld2VyOnMzY3JldA==",
        "Authorization: Bearer s3cret-t0ken",
        'response="0123456789abcdef0123456789abcdef"',
        "loginpas=s3cret",
        "user=a_password=s3cret",
        "-pwd=s3cret",
        "/x?p=s3cret",
        "api_key='s3cret'",
        "X-Amz-Signature=s3cret",
        "rtsp://u:s3cret@h/x",
    ],
)
def test_the_second_net(text: str) -> None:
    masked = mask_patterns(text)
    assert "***" in masked
    for secret in ("s3cret", "dmlld2Vy", "0123456789abcdef"):
        assert secret not in masked


@pytest.mark.parametrize("form", list(LogFormat))
def test_logs_and_tracebacks(form: LogFormat) -> None:
    SECRETS.add('hunter "2"\\', "viewer")
    factory, stream = logging.getLogRecordFactory(), io.StringIO()
    logger = logging.Logger("apart")
    for formatter in (LineFormatter(LogConfig(format=form).format), logging.Formatter()):
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    logging.setLogRecordFactory(MaskedRecord)
    try:
        logger.warning("login %r of %s", 'hunter "2"\\', 'http://viewer:hunter "2"\\@h/')
        try:
            int('hunter "2"\\')
        except ValueError:
            logger.exception("failed")
    finally:
        logging.setLogRecordFactory(factory)
    assert stream.getvalue().count("Traceback") == 2
    assert leaks(stream.getvalue(), 'hunter "2"\\') == []


def test_a_traceback_as_text() -> None:
    SECRETS.add("correct horse", "viewer")
    try:
        int("correct horse")
    except ValueError:
        error = sys.exc_info()[1]
    assert error is not None
    assert "invalid literal for int() with base 10: '***'" in mask_error(error)
