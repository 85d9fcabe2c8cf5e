"""How a connector is set up, and how the server misbehaves for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sandbox.saleslayer.trouble import NotAcceptable

Settings = TypeVar("Settings", "Options", "Switches")
NOTHING_ELSE = ConfigDict(extra="forbid")

FAULT_KINDS = {
    "error": "HTTP 200 with the error number in `error` (10, 11, 14 ...)",
    "http": "the HTTP status in `status` with an HTML page",
    "html": "HTTP 200 with an HTML page",
    "drop": "no answer: the socket is closed, or a read timeout in process",
    "expired": "HTTP 200 with error 13, as if the page's token were too old",
    "repeat": "the page as it is, but `next_page` names the page itself",
    "empty": "no rows, and a new `next_page` that leads to the same page",
    "no_data": "an answer with neither `data` nor `error`",
    "cut": "the first half of the JSON document",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What a Sales Layer user configures on a connector (API facts §1)."""

    __pydantic_config__: ClassVar[ConfigDict] = NOTHING_ELSE

    enabled: bool = True
    include_empty_categories: bool = False
    cascade: bool = True  # an excluded category takes its products with it, a product its variants
    clock_window_seconds: float | None = 300
    page_lifetime_seconds: float | None = 3600
    other_secrets: tuple[str, ...] = ()
    revoked_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour, for the next `times` calls (always if None), of one page only if `page` is given."""

    __pydantic_config__: ClassVar[ConfigDict] = NOTHING_ELSE

    kind: str
    page: int | None = None
    times: int | None = 1
    error: int = 11
    status: int = 500

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            msg = f"a fault is one of {', '.join(FAULT_KINDS)}, not {self.kind!r}"
            raise NotAcceptable(msg)


@dataclass(frozen=True, slots=True)
class Switches:
    """How the answers of one connector differ from the plain ones."""

    __pydantic_config__: ClassVar[ConfigDict] = NOTHING_ELSE

    page_rows: int | None = None  # wins over `pagination` and its buckets
    bom: bool = False
    gzip: bool = False
    ver_only: bool = False  # `ver` without `version` (API facts §4)
    without_info: bool = False  # no `data_schema_info`: "being prepared, try again"
    later_pages_without_schema: bool = False
    unchanged_images: bool = True  # `["U"]` in updates for images that did not change
    ghost_deletes: int = 0  # `D` rows for ids that were never exported, in every table of an update
    waiting_images: int = 0
    waiting_files: int = 0
    latency_seconds: float = 0.0
    faults: tuple[Fault, ...] = ()


class FaultsLeft:
    """The faults that are still to happen."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._left: list[tuple[Fault, int | None]] = [(fault, fault.times) for fault in faults]

    def take(self, page: int) -> Fault | None:
        """The first fault meant for this page, one time fewer from now on."""
        for position, (fault, times) in enumerate(self._left):
            if times == 0 or fault.page not in {None, page}:
                continue
            if times is not None:
                self._left[position] = (fault, times - 1)
            return fault
        return None


def from_json(kind: type[Settings], given: Mapping[str, Any]) -> Settings:
    """Options or switches from a JSON object; a name that does not exist or a wrong value is refused."""
    try:
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as wrong:
        raise NotAcceptable(str(wrong)) from wrong
