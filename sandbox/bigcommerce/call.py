"""One request on its way through a room of the store."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sandbox.bigcommerce.errors import RefusalError
from sandbox.bigcommerce.limiter import Lane
from sandbox.bigcommerce.messages import Reply, Request
from sandbox.bigcommerce.store import Store


@dataclass(slots=True)
class Call:
    """A request that has passed the door: its store, the ids in its path, and what it leaves to note."""

    store: Store
    request: Request
    ids: tuple[int, ...] = ()
    # Fields of the body that nobody knows.
    unknown: set[str] = field(default_factory=set)
    # What a fault wants unsaved: url, inventory.
    unsaved: set[str] = field(default_factory=set)

    def json(self) -> Any:
        """The decoded body; one that is no JSON is refused."""
        try:
            return json.loads(self.request.body, parse_constant=_refuse_constant)
        except ValueError as error:
            raise RefusalError(400, "Input is invalid", {"body": f"Syntax error: {error}"}) from error

    def is_multipart(self) -> bool:
        """Whether a file is sent instead of JSON."""
        return self.request.headers.get("content-type", "").startswith("multipart/form-data")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


Room = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: `{id}` in the pattern stands for a number."""

    method: str
    pattern: str
    room: Room
    scope: str = "store_v2_products"
    lane: Lane | None = None
    takes_files: bool = False
