"""Download the source's changes into the mirror.

Pages belong to a read attempt (law 7): they are staged, and only when all
are there the mirror takes them over and the source's cursor moves. An
attempt that breaks is dropped and begun again with the old cursor; after two
such, the source is read without yielding to others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.catalog import values
from worker.catalog.columns import Columns, Page, Row
from worker.catalog.values import Unreadable
from worker.errors import CompanyChanged, ProfileUnusable, SourceUnreadable, SourceUnwell
from worker.ledger import mirror, runs
from worker.ledger.session import Session
from worker.rules import mapping
from worker.rules.mapping import Mapped
from worker.steps.toolbox import Cursor, Save, Step, Toolbox, Write, answered

PORTION = 5_000
"""Rows that the mirror takes over in one transaction: about half a second of Postgres."""
MOST_EMPTY_PAGES = 3
"""Older servers could send empty pages without end (SL API facts §8)."""
MOST_BROKEN = 5
"""Attempts that may break before the run stops: the source cannot be read whole."""
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A read attempt between two pages: all that is needed to go on."""

    page: int
    next_url: str | None
    time: int
    is_refresh: bool
    company_id: int | None
    columns: Columns
    broken: int
    empty: int
    told_of_media: int
    landmark: str | None = None
    """The next address at the last page whose number is a power of two: pages that go round come by it again."""

    @property
    def is_nothing_new(self) -> bool:
        """Whether the source, asked for what is new, had one empty page: as most checks find it."""
        return self.page == 1 and self.empty == 1 and self.next_url is None and not self.is_refresh

    def to_json(self) -> dict[str, Any]:
        """The attempt as a cursor."""
        return {
            "part": "pages",
            "page": self.page,
            "next_url": self.next_url,
            "time": self.time,
            "is_refresh": self.is_refresh,
            "company_id": self.company_id,
            "columns": self.columns.to_json(),
            "broken": self.broken,
            "empty": self.empty,
            "told_of_media": self.told_of_media,
            "landmark": self.landmark,
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Attempt:
        """The attempt that the cursor holds."""
        return Attempt(
            kept["page"],
            kept["next_url"],
            kept["time"],
            kept["is_refresh"],
            kept["company_id"],
            Columns.from_json(kept["columns"]),
            kept["broken"],
            kept["empty"],
            kept["told_of_media"],
            kept.get("landmark"),
        )


def read_source(tools: Toolbox, cursor: Cursor | None) -> Step:
    """Bring the mirror up to date with the source."""
    kept = dict(cursor or {})
    if kept.get("part", "pages") == "pages":
        attempt = Attempt.from_json(kept) if kept.get("page") else None
        broken = int(kept.get("broken", 0))
        known = _known(tools)
        while attempt is None or attempt.next_url is not None:
            if broken >= 2:
                tools.holds_on.set()
            try:
                page, leaving = yield from answered(tools, _asking(tools, known, attempt))
                news = _news(tools, attempt, page)
            except (SourceUnreadable, SourceUnwell) as trouble:
                if attempt is None or broken + 1 >= MOST_BROKEN:
                    raise
                # The old mirror and cursor stand; page one is asked for again, with a new signature.
                broken += 1
                attempt = None
                text = f"the source broke off on a later page and was asked again from the first: {trouble}"
                if (yield Save({"part": "pages", "broken": broken}, _dropping(tools, text))):
                    return False
                known = _known(tools)
                continue
            attempt = _begun(tools, known, page, broken) if attempt is None else _forward(attempt, page)
            if attempt.is_nothing_new:
                yield Save(None, _finishing(tools, attempt))
                return True
            if (yield Save(attempt.to_json(), _staging(tools, attempt, page, news))) or leaving:
                return False
        kept = attempt.to_json() | {"part": "take_over"}
        if (yield Save(kept)):
            return False
    return (yield from _take_over(tools, kept))


def _known(tools: Toolbox) -> mirror.State:
    with tools.read() as session:
        return mirror.state(session, tools.connector_id)


def _asking(tools: Toolbox, known: mirror.State, attempt: Attempt | None) -> Callable[[], Page]:
    if attempt is not None and attempt.next_url is not None:
        url, columns = attempt.next_url, attempt.columns
        return lambda: tools.source.next_page(url, columns=columns)
    last_update = None if tools.refresh or known.refresh_wanted else known.last_update
    return lambda: tools.source.first_page(last_update=last_update, page_size=tools.profile.source_page_size)


def _begun(tools: Toolbox, known: mirror.State, page: Page, broken: int) -> Attempt:
    """The attempt after its first page."""
    _is_of_the_same_company(known, page)
    # An update may leave columns out that only the mirror knows.
    columns = page.columns if known.columns is None else known.columns.merged_with(page.columns)
    if faults := mapping.settle(tools.profile, columns)[1]:
        raise ProfileUnusable(faults)
    return Attempt(
        1,
        page.next_url,
        page.time,
        page.is_refresh,
        page.company_id,
        page.columns,
        broken,
        0 if page.rows else 1,
        page.media_pending,
        page.next_url,
    )


def _forward(attempt: Attempt, page: Page) -> Attempt:
    """The attempt after a further page."""
    if page.next_url is not None and page.next_url in (attempt.next_url, attempt.landmark):
        raise SourceUnreadable("the source sent the same page twice as the next one; ask Sales Layer's support")
    if None not in (page.company_id, attempt.company_id) and page.company_id != attempt.company_id:
        raise SourceUnreadable("the source sent pages of two companies in one answer; ask Sales Layer's support")
    empty = 0 if page.rows else attempt.empty + 1
    if empty > MOST_EMPTY_PAGES and page.next_url is not None:
        raise SourceUnreadable(f"the source sent {empty} empty pages in a row; ask Sales Layer's support")
    number = attempt.page + 1
    return replace(
        attempt,
        page=number,
        next_url=page.next_url,
        landmark=page.next_url if number & (number - 1) == 0 else attempt.landmark,
        columns=attempt.columns.merged_with(page.columns),
        empty=empty,
        told_of_media=max(attempt.told_of_media, page.media_pending),
    )


def _is_of_the_same_company(known: mirror.State, page: Page) -> None:
    """Ids are a company's own (SL API facts §4): those of another one would be taken for items that we know."""
    if None not in (known.company_id, page.company_id) and known.company_id != page.company_id:
        raise CompanyChanged(
            f"Sales Layer answers for company {page.company_id}, and what this connector knows is of company"
            f" {known.company_id}: put back the source code of company {known.company_id}, and add a connector of its"
            f" own for the other company"
        )


def _dropping(tools: Toolbox, message: str) -> Write:
    def write(session: Session) -> None:
        mirror.drop_attempt(session, tools.connector_id)
        runs.say(session, tools.tenant_id, tools.run_id, level="warning", code="source_broke_off", message=message)

    return write


@dataclass(frozen=True, slots=True)
class _News:
    """What a page tells that the mirror does not hold, and the keys of its rows."""

    rows: list[Row]
    keys: mirror.Keys


def _news(tools: Toolbox, attempt: Attempt | None, page: Page) -> _News:
    """The rows that are new or changed, read: a cell that makes no sense is the page's trouble, here and not later."""
    if not page.rows:
        return _News([], {})
    columns = page.columns if attempt is None else attempt.columns.merged_with(page.columns)
    mapped = mapping.settle(tools.profile, columns)[0]
    keys = {(row.kind, row.source_id): _keys(row, mapped[row.kind]) for row in page.rows if not row.gone}
    with tools.read() as session:
        changed = mirror.different(session, tools.connector_id, page.rows, keys)
    return _News([replace(row, cells=dict(row.cells)) for row in changed], keys)


def _staging(tools: Toolbox, attempt: Attempt, page: Page, news: _News) -> Write:
    def write(session: Session) -> None:
        if attempt.page == 1:
            mirror.drop_attempt(session, tools.connector_id)
        mirror.stage(
            session, tools.tenant_id, tools.connector_id, attempt.page, page.rows, changed=news.rows, keys=news.keys
        )

    return write


def _keys(row: Row, mapped: Mapped) -> tuple[str | None, str | None]:
    """The keys by which a name or SKU is compared; None = the row does not carry the column."""
    return _key(row, mapped.fields.get("name")), _key(row, mapped.fields.get("sku"))


def _key(row: Row, column: str | None) -> str | None:
    cell = _ABSENT if column is None else row.cells.get(column, _ABSENT)
    if cell is _ABSENT:
        return None
    try:
        return values.key(values.text(cell)) or ""
    except Unreadable:
        return ""


@dataclass(slots=True)
class _Portion:
    connector_id: int
    moved: int = 0

    def take_over(self, session: Session) -> None:
        self.moved = mirror.take_over(session, self.connector_id, portion=PORTION)


def _take_over(tools: Toolbox, kept: dict[str, Any]) -> Step:
    """Move the staged rows into the mirror in portions; the cursor of the source moves with the last."""
    moved = PORTION
    while moved == PORTION:
        portion = _Portion(tools.connector_id)
        leaving = yield Save(kept, portion.take_over)
        moved = portion.moved
        # The last portion and the cursor's move go together: to leave between them would get nobody on.
        if leaving and moved == PORTION:
            return False
    yield Save(None, _finishing(tools, Attempt.from_json(kept)))
    return True


def _finishing(tools: Toolbox, attempt: Attempt) -> Write:
    def write(session: Session) -> None:
        if attempt.is_refresh:
            mirror.mark_missing(session, tools.connector_id)
        known = mirror.state(session, tools.connector_id).columns
        columns = attempt.columns if known is None or attempt.is_refresh else known.merged_with(attempt.columns)
        mirror.finish_attempt(
            session,
            tools.connector_id,
            last_update=attempt.time,
            company_id=attempt.company_id,
            columns=columns,
            refreshed=attempt.is_refresh,
            all_due=tools.refresh,
        )
        if attempt.told_of_media:
            runs.say(
                session,
                tools.tenant_id,
                tools.run_id,
                level="warning",
                code="pictures_pending",
                message=f"Sales Layer is still processing {attempt.told_of_media} pictures; they come with a later run",
            )

    return write
