"""What a secret of this service looks like: detectors for `scripts/secrets`, beside those that detect-secrets has."""

import re

from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.keyword import KeywordDetector

_WORDS = r"(?<![A-Za-z0-9_+/-])"
_TESTS = re.compile(r"(?:^|/)(?:tests|sandbox)/")


class KeyRingDetector(RegexBasedDetector):
    """Finds a key of CREDENTIAL_KEYS: a name, and base64 of 32 bytes."""

    secret_type = "Key of the ring"  # noqa: S105 it is its name  # pragma: allowlist secret
    denylist = (re.compile(_WORDS + r"[\w.-]{1,64}:([A-Za-z0-9+/]{43}=)(?![A-Za-z0-9+/=])"),)


class StoreTokenDetector(RegexBasedDetector):
    """Finds an access token of BigCommerce: 31 small letters and digits, several of each."""

    secret_type = "BigCommerce token"  # noqa: S105 it is its name  # pragma: allowlist secret
    denylist = (re.compile(_WORDS + r"(?=(?:[a-z]*\d){3})(?=(?:\d*[a-z]){3})([a-z0-9]{31})(?![A-Za-z0-9_+/-])"),)


class SourceSecretDetector(RegexBasedDetector):
    """Finds a private key of Sales Layer where it is called so, in quotes or not: 32 hex characters."""

    secret_type = "Sales Layer secret"  # noqa: S105 it is its name  # pragma: allowlist secret
    denylist = (re.compile(r"(?i)(?:secret|private[ _-]?key)\W{1,6}([0-9a-f]{32})(?![0-9a-z])"),)


class DoorKeyDetector(RegexBasedDetector):
    """Finds a key of our own HTTP API, and the secret of a webhook."""

    secret_type = "Key of the HTTP API"  # noqa: S105 it is its name  # pragma: allowlist secret
    denylist = (
        re.compile(_WORDS + r"([a-z]+_[0-9a-f]{16}_[A-Za-z0-9_-]{43})(?![A-Za-z0-9_-])"),
        re.compile(r"(whsec_[A-Za-z0-9+/]{32,}={0,2})"),
    )


def is_a_password_of_a_test(secret: str, filename: str, plugin: BasePlugin) -> bool:  # noqa: ARG001 asks for all
    """Whether it was found by its name alone, where passwords open nothing; what looks like a key is told there too."""
    return isinstance(plugin, KeywordDetector) and _TESTS.search(filename) is not None
