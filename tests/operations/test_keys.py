"""The key ring turned while runs go on, as the page says; and what a key that is missed looks like."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.stage.stage import KEY_RING
from tests.operations.place import Place, place

pytestmark = pytest.mark.timeout(280)


def restarted(here: Place, old: str, new: str, ring: str) -> None:
    """Another worker with this ring, then the one before is ended."""
    here.works(new, CREDENTIAL_KEYS=ring)
    assert here.ends(old) == 0
    here.until(lambda: here.is_there(new))


def test_a_key_is_turned_under_running_workers_and_the_doctor_says_where_it_stands(tmp_path: Path) -> None:
    with place(tmp_path, LEASE_SECONDS="3", DRAIN_SECONDS="5") as here:
        here.works("one")
        here.latency(0.2)
        here.request()
        here.until_sending(2)
        said = here.runs(f'{here.page["new key"]}\necho "ring=$CREDENTIAL_KEYS"', CREDENTIAL_KEYS=KEY_RING)
        both = re.findall(r"ring=(.*)", said)[0]
        old, new = both.split(",")
        assert (old, new[:3]) == (KEY_RING, "k2:")
        restarted(here, "one", "two", both)
        restarted(here, "two", "three", f"{new},{old}")
        told = here.types("reseal")
        assert "3 secrets are sealed with an older key" in told
        assert "3 secrets of 1 tenants sealed with the key 'k2'" in told
        assert told.count("are sealed with an older key") == 1, "and then no more"
        here.latency(0.0)
        restarted(here, "three", "four", new)
        assert here.until_over() in ("completed", "completed_with_errors"), "one run, through four workers"
        assert "The key ring has 1 keys; 'k2' seals." in here.runs("connector doctor")
        missed = here.runs("connector doctor", code=1, CREDENTIAL_KEYS=KEY_RING)
        assert re.search(r"The key 'k2' is not in the ring, and 3 secrets are\s+sealed with it: put it back", missed)
        assert here.ends("four") == 0
