"""Whether a call was signed by somebody who knows the secret.

digest = SHA256(code + secret + time + unique)      parameter `key256`
digest = SHA1  (code + secret + time + unique)      parameter `key`, the older way (API facts §3)
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from sandbox.saleslayer.trouble import ApiError, ErrorCode

SIGNED = ("code", "time", "unique")


def digest(code: str, secret: str, time: str, unique: str, *, algorithm: str = "sha256") -> str:
    """The lower-case hex digest that a client sends as `key256`, or as `key` with `sha1`."""
    return hashlib.new(algorithm, f"{code}{secret}{time}{unique}".encode()).hexdigest()


def signed(code: str, secret: str, *, time: int, unique: int = 1804289383) -> dict[str, str]:
    """The four identifying parameters of a call, as a client would send them."""
    proof = digest(code, secret, str(time), str(unique))
    return {"code": code, "time": str(time), "unique": str(unique), "key256": proof}


def is_signed_with_one_of(secrets: Iterable[str], parameters: Mapping[str, str]) -> bool:
    """True when `key256`, or else the older `key`, is the digest made with one of the secrets."""
    name, algorithm = ("key256", "sha256") if "key256" in parameters else ("key", "sha1")
    code, time, unique = (parameters[part] for part in SIGNED)
    given = parameters.get(name, "").encode()
    return any(
        hmac.compare_digest(given, digest(code, secret, time, unique, algorithm=algorithm).encode())
        for secret in secrets
    )


def check(
    parameters: Mapping[str, str], *, secrets: Iterable[str], revoked: Iterable[str], now: float, window: float | None
) -> None:
    """Raises the error of the first thing that is wrong with the identification (API facts §11.2)."""
    if not parameters.get("unique", "").isdecimal():
        raise ApiError(ErrorCode.UNIQUE)
    if not parameters.get("time", "").isdecimal():
        raise ApiError(ErrorCode.TIME)
    if not is_signed_with_one_of(secrets, parameters):
        # Errors 4 and 9 are not told apart in the documents: here 9 is a key that was valid once.
        raise ApiError(ErrorCode.PRIVATE_KEY if is_signed_with_one_of(revoked, parameters) else ErrorCode.KEY)
    if window is not None and abs(now - int(parameters["time"])) > window:
        raise ApiError(ErrorCode.TIME_EXPIRED)
