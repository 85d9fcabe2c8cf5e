"""A canary under the name of a secret never survives, in whatever it is wrapped and written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from worker import redaction

CANARY = "c4n4ry"
NAMES = st.sampled_from(
    ["token", "X-Auth-Token", "access_token", "client_secret", "password", "Authorization", "Cookie", "Set-Cookie",
     "api_key", "apiKey", "tokens", "DB_PASSWORD", "secret2", "key256", "private-key", "store.credentials"]
)  # fmt: skip
ODD = st.text(alphabet="ab 1\"'`\\,;&=:()[]{}<>\n\t/?@-_é", max_size=12)
SECRETS = st.builds(lambda before, after: f"{before}{CANARY}{after}", ODD, ODD)
PLAIN = st.builds(
    lambda before, after: f"{before}{CANARY}{after}", *[st.text(alphabet="ab1\\-_.~+/!$%*?@é", max_size=8)] * 2
)
"""Secrets that may stand without quotes."""
VALUES: st.SearchStrategy[Any] = st.recursive(
    SECRETS,
    lambda inner: (
        st.tuples(ODD, inner, ODD).map(list)
        | st.tuples(inner, ODD).map(list)
        | st.dictionaries(ODD, inner, min_size=1, max_size=2)
    ),
    max_leaves=4,
)
WRITTEN: st.SearchStrategy[Callable[[Any], str]] = st.sampled_from(
    [repr, json.dumps, lambda it: json.dumps(it, indent=1)]
)
UNQUOTED = st.sampled_from(
    [
        "{}: {}",
        "{}={}",
        "{} = {} rest",
        "{}: {}\nrest",
        "'{}={}'",
        "({}: {})",
        "--{} {}",
        "{} is: {}",
        "{}=>{}",
        "a=1&{}={}&b=2",
    ]
)
AROUND = st.sampled_from(["{}", "lost {} there", "'{}'", "at u?a=b: {}", "redis://:p@host {}", '{{"said": "{}"}}'])


def wrapped(said: Any, writers: list[Callable[[Any], str]]) -> str:
    """Written by the first, what came of it put into something and written by the next, and so on."""
    first, *others = writers
    told = first(said)
    for write in others:
        told = write({"answer": told, "kind": "of"})
    return told


def survives(said: str) -> bool:
    return any(CANARY in told for told in (redaction.text(said), redaction.lines(f"RuntimeError: {said}")))


@settings(max_examples=600)
@given(NAMES, VALUES, st.lists(WRITTEN, min_size=1, max_size=3))
def test_of_what_is_written_as_json_or_python(name: str, value: Any, writers: list[Callable[[Any], str]]) -> None:
    said = wrapped({"kind": "of", name: value, "after": 1}, writers)
    assert CANARY in said
    assert not survives(said), said


@settings(max_examples=300)
@given(NAMES, SECRETS, st.lists(WRITTEN, max_size=2), st.booleans())
def test_of_a_pair(name: str, secret: str, writers: list[Callable[[Any], str]], is_bytes: bool) -> None:
    pair = (name.encode(), secret.encode()) if is_bytes else (name, secret)
    said = wrapped([("Accept", "a"), pair], [repr, *writers])
    assert not survives(said), said


@settings(max_examples=300)
@given(NAMES, PLAIN, UNQUOTED, AROUND)
def test_of_what_stands_without_quotes(name: str, secret: str, shape: str, around: str) -> None:
    said = around.format(shape.format(name, secret))
    assert not survives(said), said


@given(NAMES, SECRETS)
def test_of_what_is_put_into_an_address(name: str, secret: str) -> None:
    assert not survives(f"GET https://shop.example.com/a?{name}={quote(secret)}&b=1 HTTP/1.1")


@given(NAMES, VALUES)
def test_of_what_is_no_text_yet(name: str, value: Any) -> None:
    for given_so in ({name: value}, [(name, value)], {"name": name, "value": value}, {"headers": [{name: value}]}):
        assert CANARY not in str(redaction.clean(given_so))


@given(st.text())
def test_any_text_can_be_read(said: str) -> None:
    assert redaction.text(said).isprintable()
    assert all(line.isprintable() for line in redaction.lines(said).split("\n"))
