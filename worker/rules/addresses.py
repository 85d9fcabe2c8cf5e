"""Which addresses a webhook may be sent to: https, and the public internet.

The address comes from a tenant, and the call from inside: what is not public would open our own house to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

LONGEST = 2048
_HOST = re.compile(r"[\w.:-]+", re.ASCII)
_UNICAST = IPv6Network("2000::/3")
"""What of IPv6 is given out for use in the internet."""
_OTHERS = (
    IPv4Network("100.64.0.0/10"),  # between a provider and its customers (CGNAT)
    IPv4Network("168.63.129.16/32"),  # a platform's own, though it looks public
    IPv4Network("192.0.0.0/24"),  # protocols, and a platform's metadata
    IPv4Network("192.88.99.0/24"),  # once a way from IPv4 into IPv6
    IPv6Network("2001::/23"),  # protocols; Teredo, which carries an IPv4 address
    IPv6Network("2002::/16"),  # 6to4, which carries one too
)
"""Not for us, whatever the standard library says of them."""


def fault(url: str, *, private: bool) -> str | None:
    """Why this cannot be the address of an endpoint; None = as far as can be told without asking, it can.

    `private`: http and private addresses are allowed.
    """
    if len(url) > LONGEST:
        return f"an address has {LONGEST:,} characters at most"
    try:
        parts = httpx.URL(url)
        host = parts.host.rstrip(".").lower()  # it is here that a name in Punycode (xn--) is read
    except (httpx.InvalidURL, UnicodeError):
        return "this is no address"
    if parts.scheme not in ({"https", "http"} if private else {"https"}):
        return "an address begins with https://"
    if not parts.host:
        return "the address names no host"
    if not _HOST.fullmatch(parts.raw_host.decode("ascii")) or not 0 < (parts.port or 443) < 65536:
        return "this is no address"
    if parts.userinfo:
        return "the address must hold neither user nor password"
    if parts.fragment:
        return "the address must hold no fragment (#...)"
    if private:
        return None
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return "the address is not public"
    return None if _literal(host) is None else fault_of([host])


def fault_of(addresses: Sequence[str]) -> str | None:
    """Why a host with these addresses must not be called: all of them have to be public."""
    if not addresses:
        return "the host has no address"
    return None if all(is_public(one) for one in addresses) else "the address is not public"


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet, and to nobody's inside."""
    found = _literal(address)
    if found is None or any(found in net for net in _OTHERS if net.version == found.version):
        return False
    if isinstance(found, IPv6Address) and found not in _UNICAST:
        return False  # also those that carry an IPv4 address inside
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
