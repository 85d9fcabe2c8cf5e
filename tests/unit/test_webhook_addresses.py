"""Where a webhook may be sent to: nothing but the public internet, whatever the name means a moment later."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from worker.rules import addresses
from worker.webhooks.reach import Reach, UnreachableError

NAME = "hooks.example.com"
PUBLIC = "93.184.215.14"
ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_what_is_public(address: str) -> None:
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0",  # noqa: S104 nobody binds to it
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.88.99.1", "198.18.0.1", "203.0.113.7", "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001::1",
        "2001:db8::1", "2002:7f00:1::", "100::1", "fe80::1%eth0", "example.com", "",
    ],
)  # fmt: skip
def test_what_is_not(address: str) -> None:
    assert not addresses.is_public(address)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/a", "https://"), ("ftp://example.com", "https://"), ("//example.com", "https://"),
        ("https://", "host"), ("https://user:word@example.com/", "password"), ("https://example.com/#x", "fragment"),
        ("https://localhost/a", "public"), ("https://a.localhost./", "public"), ("https://db.internal/", "public"),
        ("https://10.0.0.1/", "public"), ("https://[::1]/", "public"), ("https://[::ffff:8.8.8.8]/", "public"),
        ("https://example.com:99999/", "no address"), ("https://exa mple.com/", "no address"),
        ("https://xn--/", "no address"), ("https://xn--a.example.com/x", "no address"),
        ("https://example.com/\n", "no address"), ("https://example.com/" + "a" * 2048, "2,048"),
    ],
)  # fmt: skip
def test_an_address_that_is_refused_before_anybody_asks(url: str, why: str) -> None:
    assert why in str(addresses.fault(url, private=False))


def test_an_address_that_is_taken() -> None:
    assert addresses.fault(f"https://{NAME}:8443/a?token=b", private=False) is None
    assert addresses.fault("https://xn--mnchen-3ya.de/a", private=False) is None
    assert addresses.fault("http://127.0.0.1:80/a", private=True) is None
    assert addresses.fault("gopher://127.0.0.1/", private=True) is not None


def test_one_address_inside_is_enough_to_refuse_a_host() -> None:
    assert addresses.fault_of([PUBLIC, "10.0.0.1"]) == "the address is not public"
    assert addresses.fault_of([]) == "the host has no address"
    assert addresses.fault_of([PUBLIC]) is None


# ---- calling


class Listener:
    """A socket on loopback that reads a request and answers with the bytes that it is given, piece by piece."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]], tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[bytes] = []
        self.names: list[str | None] = []
        self._pieces, self._tls = pieces, tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                if self._tls is not None:
                    client = self._tls.wrap_socket(client, server_side=True)
                with client:
                    heard = b""
                    while not heard.endswith(b"{}") and (some := client.recv(65536)):
                        heard += some
                    self.seen.append(heard)
                    for piece in self._pieces():
                        client.sendall(piece)
            except (ssl.SSLError, BrokenPipeError, ConnectionResetError):
                continue
            except OSError:
                return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    opened: list[Listener] = []

    def one(pieces: Callable[[], Iterator[bytes]] = lambda: iter([ANSWER]), **more: Any) -> Listener:
        opened.append(Listener(pieces, **more))
        return opened[-1]

    yield one
    for each in opened:
        each.close()


class Dialled:
    """Where connections went; all of them end at one loopback port."""

    def __init__(self, port: int) -> None:
        self.addresses: list[str] = []
        self._port = port

    def __call__(self, address: str, port: int, timeout: float, *_: Any) -> httpcore.NetworkStream:
        del port
        self.addresses.append(address)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self._port, timeout)


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(the server's context, the caller's, who trusts nobody else) for a certificate of this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, secret)
    return server, ssl.create_default_context(cafile=str(chain))


def test_the_connection_goes_to_the_address_that_was_looked_at_and_tls_keeps_the_name(
    listen: Callable[..., Listener], tmp_path: Path
) -> None:
    server, caller = certified(tmp_path, NAME)
    listener = listen(tls=server)
    dialled, asked = Dialled(listener.port), []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    reach = Reach(resolve=rebinding, dial=dialled, tls=caller)
    assert reach.post(f"https://{NAME}/a?b=c", {"x": "y"}, b"{}") == 204
    assert asked == [(NAME, 443)]
    assert dialled.addresses == [PUBLIC]
    assert listener.names == [NAME]
    head = listener.seen[0].decode()
    assert head.startswith("POST /a?b=c HTTP/1.1\r\n")
    assert f"\r\nHost: {NAME}\r\n" in head
    # A moment later the name means our own house.
    with pytest.raises(UnreachableError, match="not public"):
        reach.post(f"https://{NAME}/", {}, b"{}")
    assert dialled.addresses == [PUBLIC]
    assert len(listener.seen) == 1


def test_a_certificate_of_another_name_is_not_accepted(listen: Callable[..., Listener], tmp_path: Path) -> None:
    server, caller = certified(tmp_path, "other.example.com")
    listener = listen(tls=server)
    reach = Reach(resolve=lambda *_: [PUBLIC], dial=Dialled(listener.port), tls=caller)
    with pytest.raises(UnreachableError, match="certificate"):
        reach.post(f"https://{NAME}/", {}, b"{}")


@pytest.mark.parametrize("found", [["127.0.0.1"], [PUBLIC, "169.254.169.254"], ["::ffff:10.0.0.1"], []])
def test_nobody_is_called_whose_addresses_are_not_all_public(listen: Callable[..., Listener], found: list[str]) -> None:
    dialled = Dialled(listen().port)
    reach = Reach(resolve=lambda *_: found, dial=dialled)
    with pytest.raises(UnreachableError, match=r"not public|no address"):
        reach.post(f"https://{NAME}/", {}, b"{}")
    assert dialled.addresses == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "017700000001"])
def test_a_number_that_is_written_oddly_is_no_way_in(host: str) -> None:
    with pytest.raises(UnreachableError, match=r"not public|no address"):
        Reach().post(f"https://{host}/", {}, b"{}")


def test_http_is_not_spoken_unless_it_is_allowed(listen: Callable[..., Listener]) -> None:
    listener = listen()
    with pytest.raises(UnreachableError, match="https://"):
        Reach().post(f"http://127.0.0.1:{listener.port}/", {}, b"{}")
    assert listener.seen == []
    assert Reach(private=True).post(f"http://127.0.0.1:{listener.port}/", {}, b"{}") == 204


def test_nothing_is_followed(listen: Callable[..., Listener]) -> None:
    inside = listen()
    there = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inside.port}/\r\nContent-Length: 0\r\n\r\n".encode()
    listener = listen(lambda: iter([there]))
    assert Reach(private=True).post(f"http://127.0.0.1:{listener.port}/", {}, b"{}") == 302
    assert inside.seen == []


def drip(of: bytes) -> Iterator[bytes]:
    for byte in of:
        time.sleep(0.1)
        yield bytes([byte])


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for(listen: Callable[..., Listener]) -> None:
    listener = listen(lambda: drip(ANSWER))
    began = time.monotonic()
    with pytest.raises(UnreachableError, match=r"no answer within 0\.5 seconds"):
        Reach(private=True, seconds=0.5).post(f"http://127.0.0.1:{listener.port}/", {}, b"{}")
    assert time.monotonic() - began < 1.5


def test_an_endless_answer_is_left_once_its_status_is_known(listen: Callable[..., Listener]) -> None:
    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
        while True:
            yield b"x" * 65536

    listener = listen(endless)
    assert Reach(private=True, seconds=5).post(f"http://127.0.0.1:{listener.port}/", {}, b"{}") == 200


def test_what_speaks_another_language_has_not_answered(listen: Callable[..., Listener]) -> None:
    listener = listen(lambda: iter([b"SSH-2.0-OpenSSH_9.9\r\n"]))
    with pytest.raises(UnreachableError, match="no answer"):
        Reach(private=True, seconds=2).post(f"http://127.0.0.1:{listener.port}/", {}, b"{}")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnreachableError, match="no connection"):
        Reach(private=True, seconds=2).post(f"http://127.0.0.1:{port}/", {}, b"{}")


def test_a_literal_address_of_version_six_is_written_in_brackets() -> None:
    told: list[Any] = []

    def dial(address: str, *_: Any) -> httpcore.NetworkStream:
        told.append(ipaddress.ip_address(address))
        raise httpcore.ConnectError

    public = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
    with pytest.raises(UnreachableError, match="no connection"):
        Reach(dial=dial).post(f"https://[{public}]/", {}, b"{}")
    assert told == [ipaddress.ip_address(public)]
