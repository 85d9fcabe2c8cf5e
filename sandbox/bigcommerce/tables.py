"""Rows by id, found by parent or by key, with a way back.

Every change of state goes through these classes and notes how it is undone, so a refused request leaves no trace.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

Row = dict[str, Any]
Key = Callable[[Row], Hashable | None]


class Journal:
    """How to undo what the current request has done so far."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def note(self, undo: Callable[[], None]) -> None:
        """Remember one step back."""
        self._undo.append(undo)

    def mark(self) -> int:
        """A place to which one can roll back."""
        return len(self._undo)

    def roll_back(self, mark: int = 0) -> None:
        """Everything done since the mark is undone, last first."""
        while len(self._undo) > mark:
            self._undo.pop()()

    def keep(self) -> None:
        """What was done is done for good."""
        self._undo.clear()


class Table:
    """The rows of one kind; ids only go up."""

    def __init__(
        self,
        journal: Journal,
        first_id: int,
        *,
        id_field: str = "id",
        parent: str | None = None,
        keys: Mapping[str, Key] | None = None,
    ) -> None:
        self.id_field = id_field
        self.created = 0
        self._journal = journal
        self._next_id = first_id
        self._parent = parent
        self._keys = dict(keys or {})
        self._rows: dict[int, Row] = {}
        self._children: dict[Hashable, dict[int, None]] = {}
        self._found: dict[tuple[str, Hashable], int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        """The rows by id, as the store lists them."""
        return (self._rows[row_id] for row_id in sorted(self._rows))

    def get(self, row_id: int) -> Row | None:
        """The row with this id."""
        return self._rows.get(row_id)

    def find(self, key: str, value: Hashable) -> Row | None:
        """The row that holds this value of a unique key."""
        found = self._found.get((key, value))
        return None if found is None else self._rows[found]

    def of(self, parent_id: Hashable) -> list[Row]:
        """The rows under one parent, by id."""
        return [self._rows[row_id] for row_id in sorted(self._children.get(parent_id, ()))]

    def count_of(self, parent_id: Hashable) -> int:
        """How many rows are under one parent."""
        return len(self._children.get(parent_id, ()))

    def add(self, row: Row) -> Row:
        """The row, stored, with the next id unless it brings one."""
        row_id = int(row.setdefault(self.id_field, self._next_id))
        self._next_id = max(self._next_id, row_id + 1)
        self._put(row)
        self.created += 1

        def undo() -> None:
            self._take(row)
            self.created -= 1

        self._journal.note(undo)
        return row

    def change(self, row: Row, fields: Mapping[str, Any]) -> bool:
        """Whether the fields differed from what the row held; now they are in it."""
        old = {name: row.get(name) for name, value in fields.items() if row.get(name) != value}
        if not old:
            return False
        new = {name: fields[name] for name in old}

        def write(values: Mapping[str, Any]) -> None:
            self._take(row)
            row.update(values)
            self._put(row)

        write(new)
        self._journal.note(lambda: write(old))
        return True

    def remove(self, row: Row) -> None:
        """The row is gone."""
        self._take(row)
        self._journal.note(lambda: self._put(row))

    def _put(self, row: Row) -> None:
        row_id = row[self.id_field]
        self._rows[row_id] = row
        if self._parent is not None:
            self._children.setdefault(row[self._parent], {})[row_id] = None
        for name, key in self._keys.items():
            if (value := key(row)) is not None:
                self._found[name, value] = row_id

    def _take(self, row: Row) -> None:
        row_id = row[self.id_field]
        del self._rows[row_id]
        if self._parent is not None:
            del self._children[row[self._parent]][row_id]
        for name, key in self._keys.items():
            if (value := key(row)) is not None and self._found.get((name, value)) == row_id:
                del self._found[name, value]


class Links:
    """Pairs (product, other), readable from both sides in the order in which they were made."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._forth: dict[int, dict[int, None]] = {}
        self._back: dict[int, dict[int, None]] = {}

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((left, right) for left, rights in sorted(self._forth.items()) for right in rights)

    def of(self, left: int) -> list[int]:
        """What the left side is linked to."""
        return list(self._forth.get(left, ()))

    def to(self, right: int) -> list[int]:
        """What is linked to the right side."""
        return list(self._back.get(right, ()))

    def add(self, left: int, right: int) -> bool:
        """Whether the pair is new; now it exists."""
        if right in self._forth.get(left, ()):
            return False
        self._put(left, right)
        self._journal.note(lambda: self._take(left, right))
        return True

    def remove(self, left: int, right: int) -> bool:
        """Whether the pair existed; now it does not."""
        if right not in self._forth.get(left, ()):
            return False
        self._take(left, right)
        self._journal.note(lambda: self._put(left, right))
        return True

    def _put(self, left: int, right: int) -> None:
        self._forth.setdefault(left, {})[right] = None
        self._back.setdefault(right, {})[left] = None

    def _take(self, left: int, right: int) -> None:
        del self._forth[left][right]
        del self._back[right][left]


class Claims:
    """Who holds a name that exists once in the store (URL paths)."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._holders: dict[str, tuple[str, int]] = {}

    def holder(self, name: str) -> tuple[str, int] | None:
        """The (kind, id) that holds the name."""
        return self._holders.get(name)

    def take(self, name: str, holder: tuple[str, int]) -> None:
        """The name belongs to the holder."""
        if self._holders.get(name) == holder:
            return
        self._holders[name] = holder
        self._journal.note(lambda: self._holders.pop(name, None) and None)

    def free(self, name: str) -> None:
        """Nobody holds the name."""
        holder = self._holders.pop(name, None)
        if holder is not None:
            self._journal.note(lambda: self._holders.__setitem__(name, holder))
