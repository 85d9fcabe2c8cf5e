"""The key ring turned: every secret sealed under its first key, while the service works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.commands.desk import Desk
from worker.ledger import overview, resealing
from worker.ledger.session import as_scheduler, as_tenant

AT_ONCE = 200
"""Secrets that one transaction seals."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come: tenants dealt with, of how many; secrets sealed anew; those that no key opens."""

    tenants: int
    of: int
    sealed: int
    refused: tuple[str, ...]


def reseal(desk: Desk) -> Iterator[Progress]:
    """Seal anew what another key than the first has sealed; asked again, it finds what is left. KeyMissing: no key."""
    vault = desk.vault
    vault.first  # noqa: B018 without a key nothing is begun
    with as_scheduler(desk.engine) as session:
        tenants = [one.id for one in overview.tenants(session)]
    sealed, refused = 0, tuple[str, ...]()
    for done, tenant_id in enumerate(tenants, 1):
        after: tuple[int, str] | None = (0, "")
        while after is not None:
            with as_tenant(desk.engine, tenant_id) as session:
                portion = resealing.credentials(session, vault, tenant_id, after=after, limit=AT_ONCE)
            sealed, refused, after = sealed + portion.sealed, refused + portion.refused, portion.last
        with as_tenant(desk.engine, tenant_id) as session:
            portion = resealing.webhook_secrets(session, vault, tenant_id)
        sealed, refused = sealed + portion.sealed, refused + portion.refused
        yield Progress(done, len(tenants), sealed, refused)
