"""The worked example of the API facts (§10): a tiny catalogue.

Categories 11 and 12 (child of 11), product 301 in both, variants 9001 and 9002; two languages, images and a file.
"""

import json
from pathlib import Path
from typing import Any

ANSWERS: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
PAGES: list[dict[str, Any]] = ANSWERS["pages"]  # §10.1 and §10.2, answered at TIME
UPDATE: dict[str, Any] = ANSWERS["update"]  # §10.3, answered to `last_update=TIME`

CODE = "CN12345H6789C0123"  # §3
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105  made up, §3
TIME: int = PAGES[0]["time"]


def catalogue() -> dict[str, Any]:
    """Both pages put together, in the shape of a catalogue file."""
    data = {table: list(rows) for table, rows in PAGES[0]["data"].items()}
    for table, rows in PAGES[1]["data"].items():
        data[table] += rows
    return {name: PAGES[0][name] for name in ("schema", "data_schema", "data_schema_info")} | {"data": data}
