"""Which connector is meant: by name or id, near names where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

import typer

from cli.errors import RefusalError
from cli.here import Here
from worker.ledger import connectors, overview
from worker.ledger.session import Session, as_scheduler

ConnectorName = Annotated[str, typer.Argument(metavar="CONNECTOR", help="Its name or id.", show_default=False)]
TenantName = Annotated[str | None, typer.Option("--tenant", "-t", help="Tenant, where several have one of that name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, in the shape of docs/cli.md.")]


@dataclass(frozen=True, slots=True)
class Found:
    """The connector that is meant."""

    tenant_id: int
    id: int
    tenant: str
    name: str


def connector(at: Here, name: str, tenant: str | None) -> Found:
    """The one connector of this name or id; RefusalError where there is none, or more than one."""
    with as_scheduler(at.engine) as session:
        if tenant is not None:
            _known_tenant(session, tenant)
        found = [Found(*row) for row in connectors.find(session, tenant=tenant, connector=name)]
        known = [] if found else overview.standings(session)
    # A name that is made of digits wins over the id of another one.
    found = [one for one in found if one.name == name] or found
    if len(found) == 1:
        return found[0]
    if found:
        tenants = ", ".join(one.tenant for one in found)
        raise RefusalError(f"several tenants have a connector '{name}': {tenants}; say which with --tenant.")
    names = sorted({one.connector for one in known if tenant in (None, one.tenant)})
    of = f" of tenant '{tenant}'" if tenant else ""
    raise RefusalError(f"there is no connector '{name}'{of}; {_near(name, names, 'connector list')}")


def tenant_id(at: Here, name: str) -> int:
    """The id of the tenant of this name; RefusalError where there is none."""
    with as_scheduler(at.engine) as session:
        return _known_tenant(session, name)


def _known_tenant(session: Session, name: str) -> int:
    found = connectors.find_tenant(session, name)
    if found is None:
        names = [one.name for one in overview.tenants(session)]
        raise RefusalError(f"there is no tenant '{name}'; {_near(name, names, 'connector tenant list')}")
    return found


def _near(name: str, names: list[str], listing: str) -> str:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"`{listing}` shows all." if names else "none has been added yet."
