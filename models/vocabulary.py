"""The shared words, and which state may follow which."""

from __future__ import annotations

from enum import StrEnum


class ItemKind(StrEnum):
    """What an item is; its key is (kind, source id)."""

    CATEGORY = "category"
    PRODUCT = "product"
    VARIANT = "variant"


class Phase(StrEnum):
    """The two phases of a run."""

    PREPARATION = "preparation"
    SYNCHRONIZATION = "synchronization"


SENDING_STEPS = ("send", "recount", "record")
"""The steps of the second phase."""


class Outcome(StrEnum):
    """What came of an item in a run; exactly one for each item and storefront."""

    CREATED = "created"
    UPDATED = "updated"
    DISABLED = "disabled"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"
    FAILED = "failed"
    BLOCKED = "blocked"


TROUBLE = frozenset({Outcome.REJECTED, Outcome.FAILED, Outcome.BLOCKED})
"""Outcomes that somebody has to look at; a run that holds one completes *with errors*."""


class Action(StrEnum):
    """What a change does to its item in the store."""

    CREATE = "create"
    UPDATE = "update"
    DISABLE = "disable"
    RELABEL = "relabel"
    REBUILD = "rebuild"
    SHOW = "show"
    """Give an option of a product its display type, which an inline creation cannot."""
    ASSIGN = "assign"
    """Put a product on its storefronts and take it off others of ours."""
    RELATE = "relate"
    """Name the products that are related to a product, once all of them are there."""
    METAFIELDS = "metafields"
    """Write, change and delete the metafields of an item that is there."""
    STOCK = "stock"
    """Set how many of it there are, through the inventory API."""
    PROVE = "prove"
    """Give a rebuilt variant the stock that it had, and read it until it agrees."""


class ChangeState(StrEnum):
    """Where a change stands between intent and record (law 3)."""

    PENDING = "pending"
    SENDING = "sending"
    UNSURE = "unsure"


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    PREPARING = "preparing"
    PREPARED = "prepared"
    SYNCHRONIZING = "synchronizing"
    PAUSED = "paused"
    AWAITING_APPROVAL = "awaiting_approval"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCHANGED = "unchanged"


MAY_BECOME: dict[RunState, dict[RunState, str]] = {
    RunState.QUEUED: {
        RunState.PREPARING: "the connector has its first turn",
        RunState.CANCELLED: "somebody cancels it before its turn comes",
        RunState.PAUSED: "the connector is paused before its turn comes",
        RunState.FAILED: "its profile or credentials cannot be used",
    },
    RunState.PREPARING: {
        RunState.PREPARED: "all that has to be sent is planned and stored",
        RunState.UNCHANGED: "the source has no change",
        RunState.AWAITING_APPROVAL: "more would be disabled or blanked than the profile allows",
        RunState.PAUSED: "somebody pauses it",
        RunState.CANCELLED: "somebody cancels it",
        RunState.FAILED: "somebody must act: credentials, root category, source unreadable, a bug three times in a row",
    },
    RunState.PREPARED: {
        RunState.SYNCHRONIZING: "the first change goes out",
        RunState.COMPLETED: "there was nothing to send",
        RunState.COMPLETED_WITH_ERRORS: "there was nothing to send, and items have trouble",
        RunState.PAUSED: "somebody pauses it",
        RunState.CANCELLED: "somebody cancels it",
        RunState.FAILED: "somebody must act, or the books do not close",
    },
    RunState.SYNCHRONIZING: {
        RunState.COMPLETED: "nothing is pending and no item has trouble",
        RunState.COMPLETED_WITH_ERRORS: "nothing is pending and items have trouble",
        RunState.PAUSED: "somebody pauses it",
        RunState.CANCELLED: "somebody cancels it",
        RunState.FAILED: "somebody must act, or the books do not close",
    },
    RunState.PAUSED: {
        RunState.QUEUED: "it is resumed before it had begun",
        RunState.PREPARING: "it is resumed while preparing",
        RunState.PREPARED: "it is resumed before anything was sent",
        RunState.SYNCHRONIZING: "it is resumed while sending",
        RunState.CANCELLED: "somebody cancels it",
        RunState.FAILED: "what came back meanwhile, or its connector, says that somebody must act",
    },
    RunState.AWAITING_APPROVAL: {
        RunState.PREPARING: "somebody approves: it reads and plans again, with that much allowed",
        RunState.CANCELLED: "somebody cancels it",
        RunState.FAILED: "its profile or credentials cannot be used any more",
    },
    RunState.COMPLETED: {},
    RunState.COMPLETED_WITH_ERRORS: {},
    RunState.FAILED: {},
    RunState.CANCELLED: {},
    RunState.UNCHANGED: {},
}
"""Which state may follow which, each with the sentence when it happens (drawn in docs/run_lifecycle.md)."""

ENDED = frozenset(state for state, following in MAY_BECOME.items() if not following)
"""The states in which a run stays."""


class TurnState(StrEnum):
    """Where a connector's turn stands; always exactly one of them."""

    PARKED = "parked"
    READY = "ready"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    BROKEN = "broken"


class Waiting(StrEnum):
    """Why a connector has no slice just now, as its tenant sees it."""

    RUNS = "runs"
    """It has one."""
    AT_THE_DOOR = "at_the_door"
    """A worker is about to take it up."""
    WAITS_FOR_SLOT = "waits_for_slot"
    """Others come before it, or every slot is held."""
    STORE_BUSY = "store_busy"
    """Another connector of the same store has a slice: a store serves one at a time."""
    PLAN_LIMIT = "plan_limit"
    """As many of its tenant's connectors work as the plan allows."""
    STORE_RESTS = "store_rests"
    """Its store has failed, and is left in peace for a while."""
    SOURCE_RESTS = "source_rests"
    """Its source has failed, and is left in peace for a while."""
    PARKED = "parked"
    """It is due at a date."""
    NOTHING_TO_DO = "nothing_to_do"
    """It waits for a request."""
    NO_WORKER = "no_worker"
    """No worker process is there."""
    BROKEN = "broken"
    """Slice after slice came to nothing: an operator must look."""
    PAUSED = "paused"
    """Somebody holds its run."""
    AWAITING_APPROVAL = "awaiting_approval"
    """The brake holds its run until somebody approves."""
    SWITCHED_OFF = "switched_off"
    """The connector is disabled."""


class SliceEnd(StrEnum):
    """Why a slice ended; this is what Flower and the slice log show."""

    WORK_DONE = "work_done"
    TIME_IS_UP = "time_is_up"
    WANTED = "wanted"
    QUOTA_SPENT = "quota_spent"
    NEIGHBOUR_UNWELL = "neighbour_unwell"
    DRAINING = "draining"
    STOPPED = "stopped"
    TURN_LOST = "turn_lost"
    BUG = "bug"


class Trigger(StrEnum):
    """Who asked for a run."""

    CHECK = "check"
    REQUEST = "request"
    REFRESH = "refresh"
    SCHEDULE = "schedule"


class Scope(StrEnum):
    """What an API key opens."""

    OPERATOR = "operator"
    """Everything, in the name of any tenant."""
    WRITE = "write"
    """All that belongs to one tenant."""
    READ = "read"
    """The same, to look at."""


class Deed(StrEnum):
    """What somebody did to a connector, as the Activity Register shows it between the runs."""

    ADDED = "added"
    PROFILE_CHANGED = "profile_changed"
    CREDENTIALS_CHANGED = "credentials_changed"
    ENABLED = "enabled"
    DISABLED = "disabled"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    APPROVED = "approved"
    REQUEUED = "requeued"


class EventType(StrEnum):
    """What a webhook tells (docs/webhooks.md)."""

    RUN_ENDED = "run.ended"
    NEEDS_ACTION = "connector.needs_action"
    PING = "webhook.ping"
