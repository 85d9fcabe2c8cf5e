"""Keys to the HTTP API: added, rotated, revoked; a tenant's by the tenant, an operator's by operators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from models.vocabulary import Scope
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.ledger import api_keys
from worker.ledger.api_keys import ApiKey
from worker.ledger.session import Session, as_scheduler, as_tenant

LONGEST_OVERLAP = 30 * 86_400.0
"""Seconds for which a key that was rotated may still open."""
LONGEST_LIFE = 3650 * 86_400.0
"""Seconds after which a key that expires does so at the latest."""


def listed(desk: Desk, tenant_id: int | None) -> list[ApiKey]:
    """The tenant's keys, those included that have expired; None = the operators'."""
    with _keeper(desk, tenant_id) as session:
        return api_keys.listed(session, tenant_id=tenant_id)


def add(
    desk: Desk, tenant_id: int | None, *, name: str, scope: Scope, expires_in: float | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its text, which is told this once."""
    with _keeper(desk, tenant_id) as session:
        return api_keys.add(session, tenant_id=tenant_id, name=name, scope=scope, expires_in=expires_in)


def rotate(desk: Desk, tenant_id: int | None, key_id: str, *, overlap: float) -> tuple[ApiKey, str]:
    """A new key of the same name, scope and end; the old one opens for `overlap` more seconds."""
    with _keeper(desk, tenant_id) as session:
        made = api_keys.rotate(session, key_id, tenant_id=tenant_id, overlap=overlap)
    if made is None:
        raise _unknown(key_id)
    return made


def revoke(desk: Desk, tenant_id: int | None, key_id: str) -> None:
    """From now on the key opens nothing, for good."""
    with _keeper(desk, tenant_id) as session:
        if not api_keys.revoke(session, key_id, tenant_id=tenant_id):
            raise _unknown(key_id)


@contextmanager
def _keeper(desk: Desk, tenant_id: int | None) -> Iterator[Session]:
    """A tenant's keys are its own affair, behind row-level security; the operators' belong to no tenant."""
    with as_scheduler(desk.engine) if tenant_id is None else as_tenant(desk.engine, tenant_id) as session:
        yield session


def _unknown(key_id: str) -> Refusal:
    return Refusal(Why.UNKNOWN, f"there is no key '{key_id}' that opens anything.")
