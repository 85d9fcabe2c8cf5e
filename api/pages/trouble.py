"""Why a page is not shown."""

from __future__ import annotations


class NotShown(Exception):
    """The page is not shown, or the form not carried out; the text says why, and what to do."""

    def __init__(self, status: int, says: str) -> None:
        self.status = status
        self.says = says
        super().__init__(says)
