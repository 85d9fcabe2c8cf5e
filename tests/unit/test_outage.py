"""What Postgres says of itself: whether it can work for nobody, and why in a line."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import errors
from sqlalchemy.exc import OperationalError

from models.vocabulary import SliceEnd
from worker.ledger import outage
from worker.scheduling.endings import Endings

STATES: dict[type[psycopg2.Error], str | None] = {
    errors.DiskFull: "53100",
    errors.TooManyConnections: "53300",
    errors.ReadOnlySqlTransaction: "25006",
    errors.IoError: "58030",
    errors.QueryCanceled: "57014",
    errors.LockNotAvailable: "55P03",
    psycopg2.OperationalError: None,
}


def trouble(of: type[psycopg2.Error], said: str = "") -> OperationalError:
    """As SQLAlchemy raises it; psycopg2's own state cannot be set from outside."""
    one = type(of.__name__, (of,), {"pgcode": STATES[of]})(said)
    return OperationalError("UPDATE run SET secret = 1", None, one)


@pytest.mark.parametrize(
    ("of", "is_unable"),
    [
        (errors.DiskFull, True),
        (errors.TooManyConnections, True),
        (errors.ReadOnlySqlTransaction, True),
        (errors.IoError, True),
        (errors.QueryCanceled, False),
        (errors.LockNotAvailable, False),
        (psycopg2.OperationalError, False),
    ],
)
def test_a_server_that_can_work_for_nobody_costs_no_attempt(of: type[psycopg2.Error], is_unable: bool) -> None:
    met = trouble(of)
    assert outage.is_unable(met) is is_unable
    ending = Endings(None).database_unwell(met)  # type: ignore[arg-type]  # nothing is written
    assert (ending.why, ending.failed) == (SliceEnd.NEIGHBOUR_UNWELL, not is_unable)
    assert ending.park is not None
    assert (ending.park > 10) is is_unable


def test_the_reason_is_one_line_without_the_statement_and_its_values() -> None:
    said = 'could not extend file "base/1/2": No space left on device\nHINT:  Check free disk space.\n'
    assert outage.reason(trouble(errors.DiskFull, said)) == 'could not extend file "base/1/2": No space left on device'
    assert outage.reason(trouble(errors.DiskFull)) == "OperationalError"
