"""The families that a step looks at, by portions; those that stand as compared are passed over.

| what would change the outcome of a family          | where it is told                                    |
| -------------------------------------------------- | --------------------------------------------------- |
| its rows at the source, what was sent of them, and | the family's version (`ledger/standing.py`)         |
| what the store holds of them                       |                                                     |
| mapping, columns, storefronts, the store's clock   | `Under.reading`                                     |
| the categories, where each storefront shows them   | `Under.planning`                                    |
| other code, another cluster of Postgres            | both                                                |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from worker.catalog import fingerprint, sources
from worker.ledger import mirror, source_items, standing, store_facts
from worker.ledger.session import Session
from worker.ledger.standing import Mark
from worker.steps import reading
from worker.steps.reading import FAMILIES, ROWS, Family, Trees
from worker.steps.toolbox import Toolbox

SKIM = 2_000
"""Families whose versions are looked up for a portion, at most."""
CODE = sources.hash_of("catalog", "rules", "steps")
"""What decides about a family: with other code, all is looked at once more."""


@dataclass(frozen=True, slots=True)
class Under:
    """What families are looked at under; `planning` None: they are only read."""

    reading: str
    planning: str | None = None

    def is_of(self, mark: Mark) -> bool:
        """Whether a family was found standing under the same."""
        return mark.reading == self.reading and self.planning in (None, mark.planning)

    def stands(self, mark: Mark | None, now: str) -> bool:
        """Whether a family of this version was found standing under the same."""
        return mark is not None and mark.version == now and self.is_of(mark)


@dataclass(frozen=True, slots=True)
class Portion:
    """Some families to look at, maybe none, and the last product id that was passed."""

    families: list[Family]
    after: int
    versions: Mapping[int, str] = field(default_factory=dict)


def under(tools: Toolbox, session: Session) -> Under:
    """What cells are read by."""
    columns = mirror.state(session, tools.connector_id).columns
    facts = store_facts.known(session, tools.connector_id)
    told = [
        CODE,
        standing.cluster(session),
        tools.profile.model_dump(mode="json"),
        columns and columns.to_json(),
        facts,
    ]
    return Under(fingerprint.of(told))


def under_trees(tools: Toolbox, session: Session, trees: Trees, there: Collection[tuple[int, int]]) -> Under:
    """What families are compared under; `there`: (storefront, category) that are or will be in the store."""
    places = [[one.storefront_id, sorted(one.places.items()), sorted(one.in_circle)] for one in trees.covered]
    storefronts = [[one.storefront_id, one.name, one.tree_id, one.root_id] for one in trees.storefronts]
    categories = standing.version_of_categories(session, tools.connector_id)
    told = [places, storefronts, sorted(trees.left_alone), sorted(there), categories]
    before = under(tools, session)
    return Under(before.reading, fingerprint.of([before.reading, told]))


def portion(tools: Toolbox, after: int, under: Under, *, all_due: bool) -> Portion | None:
    """The next families that are due, or all but those that stand; None = that was all."""
    limit = SKIM if all_due else FAMILIES
    with tools.read() as session:
        ids = source_items.family_ids(session, tools.connector_id, after=after, limit=limit, all_due=all_due)
        if not ids:
            return None
        skimmed = _skim(session, tools.connector_id, ids, under) if all_due else Skimmed(ids, ids[-1])
        chosen = source_items.as_many_as_fit(session, tools.connector_id, skimmed.wanted[:FAMILIES], rows=ROWS)
        last = chosen[-1] if len(skimmed.wanted) > len(chosen) else skimmed.last
        return Portion(reading.families(session, tools.connector_id, chosen), last, skimmed.versions)


@dataclass(slots=True)
class Skimmed:
    """Families that do not stand as they were found, the last one that was looked at, and what versions they have."""

    wanted: list[int]
    last: int
    versions: dict[int, str] = field(default_factory=dict)


def _skim(session: Session, connector_id: int, ids: Sequence[int], under: Under) -> Skimmed:
    """The first that are wanted of these, enough for a portion; looked at more at a time the more of them stand."""
    marks = standing.marks(session, connector_id, ids)
    found, looked_at, size = Skimmed([], ids[-1]), 0, FAMILIES
    while looked_at < len(ids) and len(found.wanted) < FAMILIES:
        some = ids[looked_at : looked_at + size]
        now = standing.versions(session, connector_id, some)
        found.wanted += [one for one in some if not under.stands(marks.get(one), now.get(one, ""))]
        found.versions |= now
        found.last = some[-1]
        looked_at, size = looked_at + size, 2 * size
    return found
