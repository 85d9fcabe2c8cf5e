"""Codes and secrets of connectors that were given none."""

DEFAULT_SECRET = "5a1e51a7e2b16c033e2ce5a4db0c5ec7"  # noqa: S105  32 hex characters (API facts §1), guards nothing


def default_code(number: int = 1) -> str:
    """The code of the n-th connector, of the documented shape (API facts §1)."""
    return f"CN00000LUMA{number:05d}"
