"""Which product is on which channel and in which category."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.bigcommerce.call import Call, Route
from sandbox.bigcommerce.errors import RefusalError, invalid, too_large
from sandbox.bigcommerce.fields import checked_list, whole
from sandbox.bigcommerce.limiter import Lane
from sandbox.bigcommerce.listing import PAGING, Filter, asked, by, listed, passing
from sandbox.bigcommerce.messages import Reply
from sandbox.bigcommerce.store import Store
from sandbox.bigcommerce.tables import Links, Row, Table


@dataclass(frozen=True, slots=True)
class Assignment:
    """Pairs of a product and something else."""

    kind: str
    links: Callable[[Store], Links]
    others: Callable[[Store], Table]

    @property
    def other(self) -> str:
        """The field of the other side's id."""
        return f"{self.kind}_id"

    @property
    def choosing(self) -> dict[str, Filter]:
        """The filters of a listing and of a removal."""
        return {**by("product_id", "whole", "in"), **by(self.other, "whole", "in")}

    def listing(self, call: Call) -> Reply:
        """The pairs that exist."""
        return listed(call, self._pairs(call), {**PAGING, **self.choosing}, always=("product_id",))

    def put(self, call: Call) -> Reply:
        """The pairs exist, whether they did before or not; one wrong id refuses them all."""
        schema = {"product_id": whole(1, required=True), self.other: whole(1, required=True)}
        items = checked_list(call.json(), schema, call.unknown)
        if 0 < (most := call.store.switches.most_assignments) < len(items):
            raise too_large(most)
        tables = {"product_id": call.store.products, self.other: self.others(call.store)}
        errors = {
            f"{n}.{name}": f"The {name.removesuffix('_id')} {item[name]} does not exist"
            for n, item in enumerate(items)
            for name, table in tables.items()
            if table.get(item[name]) is None
        }
        if self.kind == "channel":
            closed = call.store.switches.closed_channels
            errors |= {
                f"{n}.channel_id": f"Products cannot be assigned to the channel {item['channel_id']}"
                for n, item in enumerate(items)
                if item["channel_id"] in closed
            }
        if errors:
            raise invalid(errors)
        for item in items:
            self.links(call.store).add(item["product_id"], item[self.other])
        return Reply(204)

    def delete(self, call: Call) -> Reply:
        """The pairs that both filters choose are gone (that two filters mean both is an assumption, API facts §3.4)."""
        values = asked(call, self.choosing)
        if not values:
            raise RefusalError(422, f"A filter is required to delete {self.kind} assignments")
        for pair in passing(self._pairs(call), self.choosing, values):
            self.links(call.store).remove(pair["product_id"], pair[self.other])
        return Reply(204)

    def _pairs(self, call: Call) -> list[Row]:
        links = self.links(call.store)
        products = asked(call, {**PAGING, **self.choosing}).get("product_id:in")
        if products is not None:
            return [
                {"product_id": left, self.other: right} for left in sorted(set(products)) for right in links.of(left)
            ]
        return [{"product_id": left, self.other: right} for left, right in links]


def _routes(assignment: Assignment) -> tuple[Route, ...]:
    path = f"/v3/catalog/products/{assignment.kind}-assignments"
    # Calls side by side are only advised against (API facts §2.4): noted in the log, not refused.
    lane = Lane(f"{assignment.kind} assignments", 1, refuses=False)
    return (
        Route("GET", path, assignment.listing),
        Route("PUT", path, assignment.put, lane=lane),
        Route("DELETE", path, assignment.delete),
    )


ROUTES = (
    *_routes(Assignment("channel", lambda store: store.on_channel, lambda store: store.channels)),
    *_routes(Assignment("category", lambda store: store.in_category, lambda store: store.categories)),
)
