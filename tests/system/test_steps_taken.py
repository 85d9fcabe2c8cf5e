"""What a run tells of its steps, after a real one."""

from __future__ import annotations

from collections.abc import Callable

from tests.shop import Shop, a_source
from worker.ledger import register, run_facts
from worker.ledger.session import as_tenant
from worker.steps.sequence import SEQUENCE


def test_every_step_has_its_time_and_its_calls(open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(a_source(products=[(7, [1], "P7", "Seven", "9", "1"), (8, [1], "P8", "Eight", "9", "1")]))
    run_id = shop.stage.request(shop.cast)
    shop.stage.play()
    with as_tenant(shop.stage.engine, shop.cast.tenant_id) as session:
        entry = register.run(session, run_id)
        taken = run_facts.steps(session, run_id)
    assert entry is not None
    assert list(taken) == list(SEQUENCE)
    assert sum(one.calls for one in taken.values()) == entry.calls
    assert sum(one.source_calls for one in taken.values()) == entry.source_calls
    assert taken["read_source"].source_calls >= 1
    assert taken["read_source"].calls == taken["plan"].calls == 0
    assert taken["send"].calls >= 2
    assert entry.seconds is not None
    assert 0 < sum(one.seconds for one in taken.values()) <= entry.seconds + 0.5
