"""Image cells: entries of status, id and one URL a size."""

from typing import Any

from sandbox.generator.columns import SIZES

FOLDERS = {"ORG": "catalog", "IMD": "cache/900x900", "TH": "cache/150x150"}


def entry(number: int, host: str) -> list[Any]:
    """One image under its own id; the URLs are https and far below 255 characters."""
    name = f"{number % 97:02d}/{number:07d}.jpg"
    return ["M", f"img-{number}", *(f"https://{host}/{FOLDERS[size]}/{name}" for size in SIZES)]
