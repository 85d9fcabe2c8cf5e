"""What a statement of a migration may not be, since others would wait for it or miss something."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

_NAME = r'(?:IF (?:NOT )?EXISTS )?(?:ONLY )?(?:public\.)?"?(\w+)"?'
_ALTERED = re.compile(rf"ALTER TABLE {_NAME} (.*)")
_INDEXED = re.compile(rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY ).*?\bON {_NAME}")
_MOVED = re.compile(rf"(?:UPDATE|DELETE FROM|INSERT INTO) {_NAME}")
_VOLATILE = re.compile(r"random\(|gen_random_uuid\(|uuidv7\(|clock_timestamp\(|nextval\(", re.IGNORECASE)
_OWN = "alembic_version"

ALTERATIONS = (
    (r"ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE", "writes the whole table anew: add a column, fill it, change over"),
    (r"ADD (?:COLUMN )?(?!CONSTRAINT)\w+ .*\b(?:SERIAL|BIGSERIAL|GENERATED)\b", "writes the whole table anew"),
    (
        r"ADD CONSTRAINT \S+ (?:FOREIGN KEY|CHECK)\b(?!.*NOT VALID)",
        "reads the whole table locked: NOT VALID, VALIDATE later",
    ),
    (
        r"ADD CONSTRAINT \S+ (?:UNIQUE|PRIMARY KEY)\b(?!.*USING INDEX)",
        "builds an index locked: CONCURRENTLY, USING INDEX",
    ),
    (r"ADD (?:UNIQUE|PRIMARY KEY|FOREIGN KEY|CHECK)\b", "a constraint needs its name, and its index or NOT VALID"),
)
OLD_CODE_NEEDS = (
    (r"DROP (?:COLUMN )?(?!CONSTRAINT|NOT|DEFAULT|EXPRESSION|IDENTITY)\w+", "the code before still reads it: contract"),
    (r"RENAME", "the code before knows the old name: add, fill, change over, contract"),
)


def faults(statements: Sequence[str], existing: Collection[str], *, contract: bool = False) -> Iterator[str]:
    """Sentences on the statements of one migration; `existing`: the tables that were there before it."""
    told = [" ".join(one.split()) for one in statements]
    validated = {found[1] for one in told if (found := re.match(rf"ALTER TABLE {_NAME} VALIDATE CONSTRAINT", one))}
    for one in told:
        yield from (f"{fault}: {one}" for fault in _of(one, existing, validated, contract=contract))
    if any("CONCURRENTLY" in one for one in told):
        # It is in no transaction: what broke off has to be run again from the start.
        for one in told:
            if not re.search(r"IF (NOT )?EXISTS|^(SET|SELECT|UPDATE alembic_version)\b", one):
                yield f"cannot be run again after a CONCURRENTLY that broke off: {one}"


def _of(one: str, existing: Collection[str], validated: Collection[str], *, contract: bool) -> Iterator[str]:
    if (found := _INDEXED.match(one)) and found[1] in existing:
        yield "keeps writers out while it is built: CONCURRENTLY"
    if re.match(r"DROP INDEX (?!CONCURRENTLY )", one):
        yield "keeps everybody out: DROP INDEX CONCURRENTLY"
    if re.match(r"(VACUUM FULL|CLUSTER|REINDEX (?!.*CONCURRENTLY)|LOCK TABLE|TRUNCATE)", one):
        yield "keeps everybody out"
    if (found := _MOVED.match(one)) and found[1] in existing and found[1] != _OWN:
        yield "moves data under locks: in small batches, by a command"
    if one.startswith("DROP TABLE") and not contract:
        yield "the code before still reads it: contract"
    if (found := _ALTERED.match(one)) and found[1] in existing:
        yield from _alteration(found[2], found[1] in validated, contract=contract)


def _alteration(what: str, is_validated: bool, *, contract: bool) -> Iterator[str]:
    for pattern, fault in ALTERATIONS + (() if contract else OLD_CODE_NEEDS):
        if re.search(rf"(?:^|, ){pattern}", what, re.IGNORECASE):
            yield fault
    if "SET NOT NULL" in what and not is_validated:
        yield "reads the whole table locked: a CHECK (... IS NOT NULL) NOT VALID, VALIDATE it, then SET NOT NULL"
    if re.match(r"ADD (COLUMN )?(?!CONSTRAINT)", what):
        if "NOT NULL" in what and "DEFAULT" not in what:
            yield "the code before writes rows without it: a DEFAULT, or let it be null"
        if _VOLATILE.search(what):
            yield "writes the whole table anew: a default that is the same for all rows"
