"""A secret under its name is hidden in every shape that it is written in, and no text takes long to be read."""

from __future__ import annotations

import json
import time
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from worker import redaction

HTTPX = httpx.Headers([("Accept", "a"), ("Set-Cookie", "a='b\"; c=canary"), ("Cookie", "a=b; c=canary")])
NESTED = json.dumps({"answer": json.dumps({"answer": json.dumps({"token": 'a "b\\ canary', "kind": "of"})})})

SHAPES = [
    "tokens: ['a','canary']", "tokens = [\n  'a',\n  'canary'\n]", '{"tokens": ["a", "b]", "canary"], "a": 1}',
    "token=Token('a canary')", "Token('a canary')", "token=Token(Inner(a='b)', c='d canary'))",
    NESTED, repr(NESTED), repr({"answer": NESTED}), r'{"token": "a\\"canary"}', r"{'token': 'a\\\'canary'}",
    repr(HTTPX.raw), repr({b"Cookie": b"a='b\" canary"}), repr([("Authorization", "it's \"canary\"")]),
    r'headers: [(b\'X-Auth-Token\', b\'a "canary\'), (b\'Accept\', b\'a\')]', '("api_key", "a canary")',
    "Cookie: a=b; c=canary", "Cookie: a=b;\r\n c=canary\r\nAccept: a", "Set-Cookie: a=b; Path=/; c=canary",
    'Cookie: "a"=b; c=canary', "cookies={'a': 'b', 'c': 'canary'}", "<Cookies[<Cookie a=canary for host />]>",
    repr(SimpleCookie("a=b; c=canary")), 'Authorization: Digest username="a", response="canary"',
    "password is canary7", "password is 'the canary'", "Your new password is: canary", "passwords were ['a', 'canary']",
    "wrong password 'a canary' given", "ALTER ROLE service PASSWORD 'canary'", "password = a,canary", "pwd=a&canary",
    "password=it'scanary", "password='it''s canary'", 'token="""a canary"""', "password=a)canary", "password=a\\canary",
    "token => canary", "assert token == 'canary'", "token := canary", "API key: canary", "api key is 'canary'",
    "passphrase: canary", "accessKey: canary", "os.environ['TOKEN'] = 'canary'", "data[token]=canary", "token%3Dcanary",
    "connector --token canary", "['connector', '--password', 'canary']", "token: |\n  canary", "password:\n  canary",
    "<password kind='of'>a canary</password>", '<input name="token" value="canary">',
    '{"name": "X-Auth-Token", "value": "a canary"}', "{&quot;token&quot;: &quot;canary&quot;}",
    "-----BEGIN RSA PRIVATE KEY-----\nMII\ncanary\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\ncanary", "X-Auth-Client: canary", '"x-auth-client": "a canary"',
    "b'X-Auth-Token', b'a canary'", "[b'Host', b'h', b'X-Auth-Token', b'a canary']", '"Cookie", "a=b; c=canary"',
    "token: ['a', 'canary", '{"token": "a canary', "token=Token('a canary", "u?token=redis://:a)canary@host",
    '{"asked": "u?a=b", "tokens": ["u?a=b", "canary"]}', json.dumps('{"tokens": ["u?a=b", "canary"]}'),
]  # fmt: skip


@pytest.mark.parametrize("said", SHAPES)
def test_a_secret_under_its_name_is_hidden_in_every_shape(said: str) -> None:
    for told in (redaction.text(said), redaction.lines(f"RuntimeError: {said}"), redaction.text(f"'{said}' was said")):
        assert "canary" not in told
        assert redaction.HIDDEN in told


@pytest.mark.parametrize(
    "given",
    [
        [("X-Auth-Token", "canary")],
        [(b"Cookie", b"canary")],
        [["Authorization", "canary"]],
        {b"Cookie": b"canary"},
        {"headers": [{"name": "Set-Cookie", "value": "canary"}]},
        HTTPX,
        HTTPX.raw,
    ],
)
def test_a_value_beside_its_name_is_hidden(given: Any) -> None:
    assert "canary" not in str(redaction.clean(given))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('{"token": "a\\"b", "name": "shirt"}', '{"token": ***, "name": "shirt"}'),
        ("tokens: ['a', 'b'], name: 'shirt'", "tokens: ***, name: 'shirt'"),
        ("token=Token('a b') of shirt", "token=*** of shirt"),
        ('{\\"token\\": \\"a b\\", \\"name\\": \\"shirt\\"}', '{\\"token\\": ***, \\"name\\": \\"shirt\\"}'),
        ("[(b'Cookie', b'a=b; c=d'), (b'Accept', b'a')]", "[(b'Cookie', ***), (b'Accept', b'a')]"),
        ("'token=abc' was said, (password=abc), then", "'token=***' was said, (password=***), then"),
        ("host=db password=abc sslmode=require", "host=db password=*** sslmode=require"),
        ("token=abc&a=1", "token=***&a=***"),
        ("token=abc, kind=of", "token=***, kind=of"),
        ("redis://a:b@host/0 and postgresql://b@host", "redis://***@host/0 and postgresql://***@host"),
        ("http://host:8300/a@b and http://host?next=redis://:pw@c", "http://host:8300/a@b and http://host?next=***"),
        ("the store refuses the access token; its secret is wrong", None),
        ("3 secrets are sealed with an older key", None),
        ("the token isn't known, the password was refused", None),
        ("worker.errors.CredentialsRefused: the store refuses", None),
        ("code=credentials_refused: the store refuses", None),
        ("['name', 'token', 'kind'] are known", None),
        ("the token (of three) and a cookie, then", None),
    ],
)
def test_what_stands_around_a_secret_is_told(said: str, told: str | None) -> None:
    assert redaction.hidden(said) == (told or said)


def test_the_code_of_a_traceback_hides_nothing_of_what_follows() -> None:
    frame = '  File "/app/worker/meet.py", line 88, in meet\n    token = unseal('
    told = redaction.lines(
        f"Traceback (most recent call last):\n{frame}\n            ^^^^\n{frame}\nValueError: too late"
    )
    assert told.count('File "/app/worker/meet.py", line 88, in meet') == 2
    assert told.endswith("ValueError: too late")


PIECES = [
    "token", "token-", "token ", "token=", 'token="', "token:\\", "token: '", "token=a,", "token=a,b=", "token=(",
    "token=[]", "token is ", "token is a", "token \\", "<token ",
    "<token>", "('token',", "--token ", "--token",
    "token,value", "api key", "cookie", "Cookie: ", "Cookie: a;\n ", "Cookie:\n", "b'cookie',", "-----BEGIN A-----",
    "-----END",
    "-----BEGIN A", "://", "://a:", "://a:1", "://a@", "://a:b@", "://a/", "?a=", "?a", "?a=\\",
    "&", "bearer ", "bearer a", "basic",
    "slbc_", "whsec_aaaaaaaa", "a:", "a-", "a-a:", "secret\\", "\\", '"', '\\"', "'", "(", "-", "\n", " ", "=", "\x1b",
    '  File "a\n    b\n', '  File "', "\u202e",
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("before", ["", "token=", "token='", 'token=["', "Cookie: ", "redis://", "?a="])
def test_four_times_the_text_is_four_times_the_work(before: str, piece: str) -> None:
    """It is sixteen times the work where something begins anew at each place and reads to the end."""

    def seconds(size: int) -> float:
        said, needed = before + piece * (size // len(piece)), []
        for _ in range(3):
            began = time.thread_time()
            redaction.hidden(said)
            needed += [time.thread_time() - began]
        return min(needed)

    # Another process may take the cache away in the midst of one measurement, and not of all.
    assert any(seconds(16_000) < 9 * seconds(4_000) + 0.0005 for _ in range(4))
