"""Reads that are open: the rows of page 1 and all that follow.

The rows are chosen when page 1 is answered and do not change until the last page (API facts §11.7). A page's address
holds an opaque token and needs no signature.
"""

import secrets
from collections import defaultdict
from dataclasses import dataclass, field

from sandbox.saleslayer.tables import Row
from sandbox.saleslayer.trouble import ApiError, ErrorCode

# Reads of one connector that are remembered: a finished one only because its last page may be asked for again.
KEPT_UNFINISHED = 64
KEPT_FINISHED = 8
NUMBER_DIGITS = 6


@dataclass(frozen=True, slots=True)
class OpenRead:
    """The snapshot that one signed call opened."""

    code: str
    version: str
    action: str
    may_be_compressed: bool
    rows: list[tuple[str, Row]]  # in the order of the tables, rows of different tables may share a page
    page_rows: int
    opened_at: float
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def pages(self) -> int:
        """How many pages the read has; an empty answer is one page too."""
        return max(1, -(-len(self.rows) // self.page_rows))

    def page(self, number: int) -> dict[str, list[Row]]:
        """The rows of the page, by table; a table without rows on it is not named."""
        found: dict[str, list[Row]] = defaultdict(list)
        for table, row in self.rows[(number - 1) * self.page_rows : number * self.page_rows]:
            found[table].append(row)
        return dict(found)

    def address(self, origin: str, number: int) -> str:
        """The page's absolute URL on the host that was asked (API facts §8), empty after the last page."""
        return f"{origin}/?page_token={self.token}{number:0{NUMBER_DIGITS}d}" if number <= self.pages else ""


class OpenReads:
    """All open reads, by token."""

    def __init__(self) -> None:
        self._reads: dict[str, OpenRead] = {}
        self._unfinished: defaultdict[str, list[str]] = defaultdict(list)
        self._finished: defaultdict[str, list[str]] = defaultdict(list)

    def keep(self, read: OpenRead) -> None:
        """Remembers the read, so that its further pages are found."""
        if read.token not in self._reads:
            self._reads[read.token] = read
            self._queue(self._unfinished[read.code], read.token, KEPT_UNFINISHED)

    def find(self, page_token: str) -> tuple[OpenRead, int]:
        """The read and the number of the page that the token names."""
        token, number = page_token[:-NUMBER_DIGITS], page_token[-NUMBER_DIGITS:]
        read = self._reads.get(token)
        if read is None or not number.isdecimal() or not 1 <= int(number) <= read.pages:
            raise ApiError(ErrorCode.VALIDATION)
        if int(number) == read.pages and token in self._unfinished[read.code]:
            self._unfinished[read.code].remove(token)
            self._queue(self._finished[read.code], token, KEPT_FINISHED)
        return read, int(number)

    def _queue(self, tokens: list[str], token: str, most: int) -> None:
        tokens.append(token)
        if len(tokens) > most:
            del self._reads[tokens.pop(0)]
