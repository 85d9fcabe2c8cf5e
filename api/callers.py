"""Who asks: the API key of a request, what it opens, and in whose name."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.counting import MINUTE, Counting
from api.here import Here
from api.measured import REFUSED
from api.problems import ProblemError
from models.vocabulary import Scope
from worker.commands.desk import Desk
from worker.ledger import api_keys, connectors
from worker.ledger.session import as_scheduler

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `Authorization: Bearer slbc_...`")
ForTenant = Annotated[
    str | None, Header(alias="X-Tenant", description="In whose name an operator's key acts: the tenant's name")
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and in whose name."""

    key_id: str
    name: str
    scope: Scope
    tenant_id: int | None

    @property
    def who(self) -> str:
        """As the journal names them."""
        return f"{self.name} (operator's key)" if self.scope is Scope.OPERATOR else f"{self.name} (API key)"


@dataclass(frozen=True, slots=True)
class Tenants:
    """Somebody who acts in the name of one tenant."""

    tenant_id: int
    who: str


def caller(
    here: Here,
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    tenant: ForTenant = None,
) -> Caller:
    """The caller; 401 without a key that opens anything, 429 where the key asks too often."""
    if given is None:
        raise _unknown("Give an API key: Authorization: Bearer slbc_...")
    with as_scheduler(here.engine) as session:
        key = api_keys.recognise(session, given.credentials)
        acts_for = key.tenant_id if key is not None else None
        if key is not None and key.scope is Scope.OPERATOR and tenant is not None:
            acts_for = connectors.find_tenant(session, _spelt(tenant))
            if acts_for is None:
                raise ProblemError(404, "unknown", f"There is no tenant '{tenant[:100]}'.")
    if key is None:
        raise _unknown("This API key is not known, was revoked, or has expired.")
    _not_too_often(here, request.app.state.counting, key.id)
    request.state.key_id = key.id
    request.state.tenant_id = acts_for
    return Caller(key.id, key.name, key.scope, acts_for)


def _spelt(tenant: str) -> str:
    """The name as it was meant: what is beyond ASCII comes as the bytes of UTF-8."""
    try:
        return tenant.encode("latin-1").decode()
    except UnicodeError:
        return tenant


def _unknown(detail: str) -> ProblemError:
    return ProblemError(401, "key_refused", detail, headers={"WWW-Authenticate": "Bearer"})


def _not_too_often(here: Desk, counting: Counting, key_id: str) -> None:
    most, now = here.settings.api_calls_per_minute, int(time.time())
    asked = counting.again(here.broker, key_id)
    if asked is not None and asked > most:
        REFUSED.inc()
        wait = MINUTE - now % MINUTE
        detail = f"This key has asked more than {most} times in a minute; ask again in {wait} s."
        raise ProblemError(429, "too_often", detail, headers={"Retry-After": str(wait)})


Known = Annotated[Caller, Depends(caller)]


def _operator(known: Known) -> Caller:
    if known.scope is not Scope.OPERATOR:
        raise ProblemError(403, "not_allowed", "Only an operator's key may do that.")
    return known


def _reader(known: Known) -> Tenants:
    if known.tenant_id is None:
        raise ProblemError(403, "no_tenant", "Say for which tenant: an operator's key needs the header X-Tenant.")
    return Tenants(known.tenant_id, known.who)


def _writer(known: Known, reader: Annotated[Tenants, Depends(_reader)]) -> Tenants:
    if known.scope is Scope.READ:
        raise ProblemError(403, "not_allowed", "This key may only read.")
    return reader


Operator = Annotated[Caller, Depends(_operator)]
"""An operator."""
Reader = Annotated[Tenants, Depends(_reader)]
"""Somebody who may look at what a tenant has."""
Writer = Annotated[Tenants, Depends(_writer)]
"""Somebody who may change what a tenant has."""
