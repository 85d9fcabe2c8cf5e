"""Connectors added, changed, switched on and off; who did it stands in the journal."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from sqlalchemy.exc import IntegrityError

from models.vocabulary import Deed
from worker.catalog import fingerprint, profile_changes
from worker.catalog.profile import ConnectorFile, Profile, Source, Store
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal, Why
from worker.commands.runs import there
from worker.errors import ProfileUnusable
from worker.ledger import asked, connectors, journal, mirror
from worker.ledger.session import Session, as_tenant
from worker.ledger.vault import KeyMissing
from worker.scheduling import calendar, removal

FIRST_CHECK_WITHIN = 5.0
"""Seconds within which a new connector is checked first: many added at once do not move in step."""


def _no_matter(_session: Session, _connector_id: int) -> None:
    return None


def add(
    desk: Desk, tenant_id: int, given: ConnectorFile, *, who: str, keep: Callable[[Session, int], None] = _no_matter
) -> int:
    """Add a connector with its profile and credentials; its id. Refusal where the tenant has one of that name.

    `keep` is called with the id in the transaction that adds it; what it raises undoes it.
    """
    try:
        with as_tenant(desk.engine, tenant_id) as session:
            connector_id = connectors.add(
                session,
                tenant_id,
                name=given.name,
                store_hash=given.store.hash,
                profile=given.profile(),
                first_check_in=random.uniform(0, FIRST_CHECK_WITHIN),  # noqa: S311 spreads, hides nothing
            )
            _keep(desk, session, tenant_id, connector_id, given.credentials())
            journal.write(session, tenant_id, connector_id, who=who, what=Deed.ADDED)
            keep(session, connector_id)
    except IntegrityError as trouble:
        raise Refusal(Why.TAKEN, f"there is a connector '{given.name}' already; change its profile.") from trouble
    return connector_id


def change_profile(
    desk: Desk, tenant_id: int, connector_id: int, profile: Profile, *, who: str, seen: str | None = None
) -> bool:
    """Replace the profile; the next run works with it.

    `seen`: the edition that whoever asks had before them; False where the stored one is another by now: it stays.
    """
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        if seen is not None and seen != edition(_stored(session, connector_id)):
            return False
        _change_profile(session, tenant_id, connector_id, profile, who=who)
    return True


def edition(profile: Profile | None) -> str:
    """A short mark of all that a profile says; None: of one that cannot be read."""
    return fingerprint.of(None if profile is None else profile.model_dump(mode="json"))


def change_credentials(
    desk: Desk, tenant_id: int, connector_id: int, source: Source | None, store: Store | None, *, who: str
) -> None:
    """Replace the credentials of the source, or of the store, or both; the other side's stay.

    Refusal where the store is another one: what was sent belongs to that store.
    """
    with as_tenant(desk.engine, tenant_id) as session:
        _change_credentials(desk, session, tenant_id, connector_id, source, store, who=who)


def replace(desk: Desk, tenant_id: int, connector_id: int, given: ConnectorFile, *, who: str) -> None:
    """Replace profile and credentials by those of a whole file; its name and its store must be the connector's."""
    with as_tenant(desk.engine, tenant_id) as session:
        name, _ = known(session, connector_id)
        if given.name != name:
            raise Refusal(
                Why.ANOTHER_STORE,
                f"the file is of a connector '{given.name}', not of '{name}'; a name cannot be changed.",
            )
        # The profile first: it holds the turn, as whatever takes it must do before all else.
        _change_profile(session, tenant_id, connector_id, given.profile(), who=who)
        _change_credentials(desk, session, tenant_id, connector_id, given.source, given.store, who=who)


def enable(desk: Desk, tenant_id: int, connector_id: int, *, who: str) -> None:
    """Switch a connector on again; it is checked at once."""
    with as_tenant(desk.engine, tenant_id) as session:
        asked.hold(session, connector_id)
        known = there(session, connector_id)
        connectors.enable(session, connector_id)
        asked.be_due(session, connector_id)
        if not known.enabled:
            journal.write(session, tenant_id, connector_id, who=who, what=Deed.ENABLED)
    desk.wake(connector_id)


def disable(desk: Desk, tenant_id: int, connector_id: int, *, reason: str, who: str) -> None:
    """Switch a connector off: what its slice is doing it finishes, then it has no turn until it is switched on."""
    with as_tenant(desk.engine, tenant_id) as session:
        known(session, connector_id)
        connectors.disable(session, connector_id, reason)
        journal.write(session, tenant_id, connector_id, who=who, what=Deed.DISABLED, reason=reason)


def profile(desk: Desk, tenant_id: int, connector_id: int) -> Profile:
    """The profile in use; Refusal where the tenant has no such connector, ProfileUnusable where it cannot be read."""
    with as_tenant(desk.engine, tenant_id) as session:
        return there(session, connector_id).profile


def remove(desk: Desk, tenant_id: int, connector_id: int) -> None:
    """Remove a connector with its history, whatever it is doing; the store keeps all that it has."""
    with as_tenant(desk.engine, tenant_id) as session:
        known(session, connector_id)
    removal.remove(desk.engine, desk.settings, tenant_id, connector_id)


def _change_profile(session: Session, tenant_id: int, connector_id: int, profile: Profile, *, who: str) -> None:
    stored = _stored(session, connector_id)
    # What cannot be read is of another version: the new one replaces it all the same.
    before: Mapping[str, object] = {} if stored is None else stored.model_dump(mode="json")
    calendar.change_profile(session, connector_id, profile)
    changed = profile_changes.between(before, profile.model_dump(mode="json"))
    if changed:
        journal.write(session, tenant_id, connector_id, who=who, what=Deed.PROFILE_CHANGED, changed=changed)


def _stored(session: Session, connector_id: int) -> Profile | None:
    try:
        return there(session, connector_id).profile
    except ProfileUnusable:
        return None


def known(session: Session, connector_id: int) -> tuple[str, str]:
    """(name, store hash), whatever the profile is like; Refusal where the session's tenant has no such connector."""
    found = connectors.known_by(session, connector_id)
    if found is None:
        raise Refusal(Why.UNKNOWN, f"there is no connector {connector_id}.")
    return found


def _change_credentials(
    desk: Desk,
    session: Session,
    tenant_id: int,
    connector_id: int,
    source: Source | None,
    store: Store | None,
    *,
    who: str,
) -> None:
    _, store_hash = known(session, connector_id)
    if store is not None and store.hash != store_hash:
        raise Refusal(
            Why.ANOTHER_STORE, f"that is another store than '{store_hash}'; add it as a connector of its own."
        )
    if source is not None and _reads_elsewhere(desk, session, tenant_id, connector_id, source):
        mirror.want_refresh(session, connector_id)
    secrets: dict[str, str] = {}
    for given, sides in ((source, ("source_", "import_")), (store, ("store_",))):
        if given is not None:
            secrets |= given.credentials()
            for side in sides:
                connectors.drop_credentials(session, connector_id, of=side, but=secrets)
    _keep(desk, session, tenant_id, connector_id, secrets)
    journal.write(session, tenant_id, connector_id, who=who, what=Deed.CREDENTIALS_CHANGED, fields=sorted(secrets))


def _reads_elsewhere(desk: Desk, session: Session, tenant_id: int, connector_id: int, source: Source) -> bool:
    """Whether that is another connector of Sales Layer: the cursor of the former one says nothing of it."""
    try:
        known = connectors.open_credentials(session, desk.vault, tenant_id=tenant_id, connector_id=connector_id)
    except KeyMissing:
        return True
    return known.get("source_code") != source.code


def _keep(desk: Desk, session: Session, tenant_id: int, connector_id: int, secrets: Mapping[str, str]) -> None:
    connectors.keep_credentials(session, desk.vault, tenant_id=tenant_id, connector_id=connector_id, secrets=secrets)
