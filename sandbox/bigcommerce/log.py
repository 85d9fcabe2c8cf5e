"""What was asked of a store, in order and in numbers."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

# The bodies of so many requests are kept; older entries keep their line only.
BODIES_KEPT = 2000


@dataclass(slots=True)
class Entry:
    """One request and what became of it; `route` is the path with its ids left out."""

    seq: int
    at: float
    method: str
    path: str
    query: list[tuple[str, str]]
    route: str
    status: int
    delay: float
    dropped: bool
    faults: list[str]
    # Fields of the body that the store does not know and therefore ignored: most likely a typing error.
    unknown_fields: list[str]
    # Calls side by side that the documents advise against.
    crowded: bool
    body: bytes | None
    answer: bytes | None


class RequestLog:
    """The requests since the last clearing."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """One more line."""
        self.entries.append(entry)
        if len(self.entries) > BODIES_KEPT:
            old = self.entries[-BODIES_KEPT - 1]
            old.body = old.answer = None

    def clear(self) -> None:
        """Nothing was asked."""
        self.entries.clear()

    def counters(self) -> dict[str, Any]:
        """The numbers of the log."""
        entries = self.entries
        return {
            "requests": len(entries),
            "by_status": {str(status): n for status, n in sorted(Counter(e.status for e in entries).items())},
            "by_route": dict(sorted(Counter(f"{e.method} {e.route}" for e in entries).items())),
            "too_many_requests": sum(e.status == 429 for e in entries),
            "writes": sum(e.method != "GET" for e in entries),
            "repeated": _repeated(entries),
            "dropped": sum(e.dropped for e in entries),
            "crowded": sum(e.crowded for e in entries),
            "unknown_fields": sorted({name for e in entries for name in e.unknown_fields}),
        }

    def lines(self, *, bodies: bool = False) -> list[dict[str, Any]]:
        """The entries as JSON, with their bodies as text on demand."""
        return [_line(entry, bodies=bodies) for entry in self.entries]


def _repeated(entries: list[Entry]) -> int:
    """Writes that are the same as an earlier one, to the letter, as far as bodies are kept."""
    writes = Counter(
        (e.method, e.path, str(e.query), e.body) for e in entries if e.method != "GET" and e.body is not None
    )
    return sum(count - 1 for count in writes.values())


def _line(entry: Entry, *, bodies: bool) -> dict[str, Any]:
    line = asdict(entry)
    for name in ("body", "answer"):
        content = line.pop(name)
        if bodies:
            line[name] = None if content is None else content.decode(errors="replace")
    return line
