"""Passwords of cameras do not leak, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_app.addresses import mask_secrets, with_login, without_login


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("rtsp://a:b@h/x", "rtsp://a:***@h/x", id="plain"),
        pytest.param("rtsp://a:p@ss/w?d@h:554/x", "rtsp://a:***@h:554/x", id="unescaped"),
        pytest.param(
            "open 'http://a:b@h/x' failed", "open 'http://a:***@h/x' failed", id="in-text"
        ),
        pytest.param(
            "rtsp://h/x?user=a&password=b&c=d", "rtsp://h/x?user=a&password=***&c=d", id="q"
        ),
        pytest.param("http://h/a.jpg?token=abc", "http://h/a.jpg?token=***", id="token"),
        pytest.param("rtsp://h:554/x", "rtsp://h:554/x", id="none"),
        pytest.param("see page 3:4@5", "see page 3:4@5", id="no-url"),
    ],
)
def test_masking(text: str, expected: str) -> None:
    assert mask_secrets(text) == expected


@given(password=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=4))
def test_a_login_survives_the_way_into_an_address_and_back(password: str) -> None:
    url = with_login("rtsp://old:x@cam:554/live?a=1", "me", password)
    assert without_login(url) == ("rtsp://cam:554/live?a=1", "me", password)
    assert mask_secrets(url) == "rtsp://me:***@cam:554/live?a=1"
