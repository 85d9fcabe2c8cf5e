"""The tools of the supply chain do what they promise: secrets are found, weaknesses fail, the bill is whole."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator

ROOT = Path(__file__).parents[2]
SECRETS, AUDIT, SBOM = (str(ROOT / "scripts" / name) for name in ("secrets", "audit", "sbom"))
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# Made anew each time, so that none of them stands in a file of ours.
PLANTED: dict[str, Callable[[], tuple[str, str]]] = {
    "AWS Access Key": lambda: ("aws.py", f"key_id = '{'AK' + 'IA'}{secrets.token_hex(8).upper()}'\n"),
    "Private Key": lambda: ("deploy/id", "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEow\n"),
    "Key of the ring": lambda: (".env.production", f"CREDENTIAL_KEYS=k1:{_base64(32)}\n"),
    "Sales Layer secret": lambda: ("tests/shop.json", f'{{"code": "CN1", "secret": "{secrets.token_hex(16)}"}}\n'),
    "BigCommerce token": lambda: ("docs/try.md", f"curl -H 'X-Auth-Token: ab1c2d3{_token(24)}' https://x\n"),
    "Key of the HTTP API": lambda: ("notes.txt", f"slbc_{secrets.token_hex(8)}_{secrets.token_urlsafe(32)}\n"),
    "Secret Keyword": lambda: ("worker/x.py", f"password = 'Tr0ub4dor{secrets.token_hex(4)}'\n"),
}


def _base64(size: int) -> str:
    return base64.b64encode(secrets.token_bytes(size)).decode()


def _token(size: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(size))


def scanned(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, SECRETS, *options, str(folder)]
    return subprocess.run(words, capture_output=True, text=True, timeout=200, check=False)  # noqa: S603


def checkout(folder: Path, **files: str) -> Path:
    """A folder of git's with these files in it."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)  # noqa: S603, S607
    for name, text in ({"README.md": "Nothing.\n", "other.py": "x = 1\n"} | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_that_is_planted_is_found_and_its_text_is_not_shown(kind: str, tmp_path: Path) -> None:
    assert scanned(checkout(tmp_path)).returncode == 0
    name, text = PLANTED[kind]()
    checkout(tmp_path, **{name: text})
    said = scanned(tmp_path)
    assert said.returncode == 1, said.stderr
    assert f"{name}:1: {kind}" in said.stdout
    assert max(re.split(r"[\s'\":=]", text), key=len) not in said.stdout


def test_what_was_accepted_is_quiet_and_what_comes_after_is_told(tmp_path: Path) -> None:
    name, text = PLANTED["Key of the ring"]()
    checkout(tmp_path, **{name: text})
    assert scanned(tmp_path, "--accept").returncode == 0
    assert text.partition("k1:")[2].strip() not in (tmp_path / ".secrets.baseline").read_text()
    checkout(tmp_path, **{name: "# one line more\n" + text})
    assert scanned(tmp_path).returncode == 0, "a line that moves is no new secret"
    checkout(tmp_path, **{name: text + PLANTED["Key of the ring"]()[1]})
    assert f"{name}:2: Key of the ring" in scanned(tmp_path).stdout


@contextmanager
def a_service(weak: str | None) -> Iterator[str]:
    """A service of known weaknesses, as OSV answers, that knows of one package."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            flaw = {
                "id": "GHSA-0000-0000-0001",
                "summary": "Lets everybody in.",
                "affected": [{"package": asked["package"], "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}]}],
            }  # fmt: skip
            body = json.dumps({"vulns": [flaw]} if asked["package"]["name"] == weak else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()
        thread.join()


def audited(address: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, AUDIT, "--vulnerability-service", "osv", "--osv-url", address, "--timeout", "20"]
    surroundings = os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    words += ["--cache-dir", str(folder)]
    return subprocess.run(  # noqa: S603
        words, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=200, check=False
    )


def test_a_known_weakness_fails_and_says_where_it_is_mended(tmp_path: Path) -> None:
    with a_service("jinja2") as address:
        said = audited(address, tmp_path)
    assert said.returncode == 1, said.stdout + said.stderr
    assert re.search(r"^jinja2 [\d.]+: GHSA-0000-0000-0001, mended in 999$", said.stdout, re.MULTILINE)


def test_without_one_it_passes_and_says_how_many_were_looked_at(tmp_path: Path) -> None:
    with a_service(None) as address:
        said = audited(address, tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(r"pip-audit: 1\d\d packages looked at, 0 known weaknesses", said.stdout)


def test_a_service_that_is_not_there_is_said_plainly_and_stops_nobody(tmp_path: Path) -> None:
    with a_service(None) as address:
        pass
    said = audited(address, tmp_path)
    assert said.returncode == 0
    assert "could not ask" in said.stdout
    assert "NOTHING WAS LOOKED AT" in said.stdout


def test_a_lock_that_cannot_be_read_is_no_service_that_is_away(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("jinja2==3.1.6\n")
    words = [sys.executable, AUDIT]
    said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)  # noqa: S603
    assert said.returncode != 0
    assert "could not ask" not in said.stdout


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    said = subprocess.run([sys.executable, SBOM], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def test_the_bill_of_materials_is_valid(bill: dict[str, Any]) -> None:
    validator = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6)
    assert validator.validate_str(json.dumps(bill)) is None
    assert validator.validate_str(json.dumps(bill | {"components": 1})) is not None


def test_the_bill_names_all_that_the_image_holds_with_version_hashes_and_licence(bill: dict[str, Any]) -> None:
    words = [sys.executable, "scripts/locked", "product"]
    lock = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert bill["metadata"]["component"]["name"] == "saleslayer-bigcommerce"
    parts = {one["name"].lower().replace("_", "-"): one for one in bill["components"]}
    elsewhere = r"(?!; (?:sys_platform == 'win32'|python_full))"
    pinned = dict(re.findall(rf"^([\w-]+)(?:\[[^]]+\])?==([^ ]+) {elsewhere}", lock, re.MULTILINE))
    assert {name: one["version"] for name, one in parts.items()} == pinned
    for name, one in parts.items():
        assert one["licenses"], name
        assert one["hashes"], name
        assert all(hashed["content"] in lock for hashed in one["hashes"])
    known = {"root-component", *(one["bom-ref"] for one in bill["components"])}
    assert {one["ref"] for one in bill["dependencies"]} == known
    assert {ref for one in bill["dependencies"] for ref in one["dependsOn"]} <= known


def test_the_bill_says_from_nowhere_where_it_was_fetched(bill: dict[str, Any]) -> None:
    text = json.dumps(bill)
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://cyclonedx.org/schema/bom-1.6.schema.json"}
    assert "file:" not in text
    assert str(ROOT) not in text
