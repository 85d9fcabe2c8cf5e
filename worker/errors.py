"""Three sizes of trouble: what stops, and who must act.

WorkerError
├── ItemTrouble          this item only: recorded in its status, the run goes on
│   ├── RefusedByStore       the store said no, with its reason
│   ├── AnswerLost           a call may have acted, its answer never came
│   └── StockLost            a rebuilt variant did not get its stock back
├── SliceTrouble         this slice ends early, the run goes on later
│   ├── QuotaSpent           the store allows no further call in this window
│   ├── Unwell               a neighbour fails, and is left in peace for a while
│   │   ├── StoreUnwell          the store does not answer, or answers 5xx
│   │   └── SourceUnwell         the source does not answer, or asks to come later
│   ├── WorkerTooOld         the run has come to a step that this version does not know
│   ├── RunHeld              somebody paused or cancelled the run meanwhile
│   └── TurnLost             another slice holds the connector's turn
└── RunTrouble           the run stops and somebody must act
    ├── CredentialsRefused   the source or the store refuses our credentials
    ├── ScopeMissing         the store's API account lacks a scope
    ├── StoreGone            the store, or a storefront that is linked, is not there
    ├── RootCategoryGone     the root category of a storefront is gone at the source
    ├── SourceUnreadable     the source's answer makes no sense
    ├── CompanyChanged       the source answers for another company
    ├── ProfileUnusable      the profile does not fit the source
    └── BooksDoNotClose      items have no outcome, or more than one

Each class has a `code`, which docs/errors.md explains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class WorkerError(Exception):
    """Any trouble that is expected to happen."""

    code: ClassVar[str] = "error"


class ItemTrouble(WorkerError):
    """Trouble of one item; the run goes on."""

    code = "item_trouble"


class RefusedByStore(ItemTrouble):
    """The store refused a call and said why."""

    code = "refused_by_store"

    def __init__(self, status: int, title: str, errors: Mapping[str, str] | None = None, body: str = "") -> None:
        self.status = status
        self.title = title
        self.errors = dict(errors or {})
        self.body = body
        reasons = "; ".join(f"{field}: {reason}" for field, reason in self.errors.items())
        super().__init__(f"{status} {title}" + (f" ({reasons})" if reasons else ""))

    @property
    def is_taken(self) -> bool:
        """Whether another item may have the name, SKU or address; batches say so by 422 (API facts §3.3)."""
        named = {name.rpartition(".")[2] for name in self.errors}
        return self.status == 409 or (self.status in (207, 422) and bool(named & {"name", "sku"}))


class AnswerLost(ItemTrouble):
    """A call that must not simply be repeated may have acted: look before sending it again."""

    code = "answer_lost"


class StockLost(ItemTrouble):
    """A variant was made anew, and the store does not show the stock that was given back to it."""

    code = "stock_lost"


class SliceTrouble(WorkerError):
    """Trouble that ends the slice; the run goes on when `retry_after` seconds have passed, or somewhat later."""

    code = "slice_trouble"

    def __init__(self, text: str, *, retry_after: float = 0.0) -> None:
        self.retry_after = retry_after
        super().__init__(text)


class QuotaSpent(SliceTrouble):
    """The store allows no further call in this window; the call was not sent."""

    code = "quota_spent"


class Unwell(SliceTrouble):
    """A neighbour does not do its part; unless that is not its own failure, it is left in peace for a while.

    `retry_after`: the seconds that it has asked for, 0 where it has said nothing.
    """

    def __init__(self, text: str, *, retry_after: float = 0.0, is_failure: bool = True) -> None:
        self.is_failure = is_failure
        super().__init__(text, retry_after=retry_after)


class StoreUnwell(Unwell):
    """The store does not answer, or answers with an error of its own."""

    code = "store_unwell"


class SourceUnwell(Unwell):
    """The source does not answer, or asks to come again later."""

    code = "source_unwell"


class WorkerTooOld(SliceTrouble):
    """A newer version has brought the run to a step that this one does not know; its workers go on."""

    code = "worker_too_old"

    def __init__(self, step: str) -> None:
        super().__init__(f"this worker does not know the step '{step}': it is older than the run. A newer one goes on.")


class RunHeld(SliceTrouble):
    """Somebody paused or cancelled the run: what this transaction would write is not written."""

    code = "run_held"

    def __init__(self, text: str = "the run was paused or cancelled") -> None:
        super().__init__(text, retry_after=0.0)


class TurnLost(SliceTrouble):
    """Another slice has the connector's turn: nothing that this one does counts any more."""

    code = "turn_lost"

    def __init__(self, text: str = "the turn was lost to another slice") -> None:
        super().__init__(text, retry_after=0.0)


class RunTrouble(WorkerError):
    """Trouble that stops the run until somebody acts."""

    code = "run_trouble"


class CredentialsRefused(RunTrouble):
    """The source or the store refuses the credentials."""

    code = "credentials_refused"


class ScopeMissing(RunTrouble):
    """The store's API account lacks a scope that the run needs."""

    code = "scope_missing"


class StoreGone(RunTrouble):
    """The store, or a storefront that the profile links, does not exist."""

    code = "store_gone"


class RootCategoryGone(RunTrouble):
    """The root category that a storefront is linked to is gone at the source."""

    code = "root_category_gone"


class SourceUnreadable(RunTrouble):
    """The source answered with something that cannot be read."""

    code = "source_unreadable"


class CompanyChanged(RunTrouble):
    """The source answers for another company: its ids mean other items than those that are known."""

    code = "company_changed"


class ProfileUnusable(RunTrouble):
    """The profile does not fit the source; all that is wrong is listed."""

    code = "profile_unusable"

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


class BooksDoNotClose(RunTrouble):
    """At the run's end not every item has exactly one outcome."""

    code = "books_do_not_close"
