"""A tenant's own API keys."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path

from api.callers import Reader, Writer
from api.here import Here
from api.problems import Fault, ProblemError, told
from api.shapes import operators as shapes
from models.vocabulary import Scope
from worker.commands import keys
from worker.ledger.api_keys import ApiKey

router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=told(400, 401, 403, 413, 422, 429, 503))

KeyId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{16}$", description="The key's id: what stands in its token between the underscores")
]


@router.get("", summary="List the keys")
def listed(here: Here, by: Reader) -> shapes.Keys:
    """Give the tenant's keys, the oldest first; what they are written as is not kept."""
    return shapes.Keys(keys=[shown(one) for one in keys.listed(here, by.tenant_id)])


@router.post("", status_code=201, summary="Add a key")
def add(here: Here, by: Writer, given: shapes.NewKey) -> shapes.ShownKey:
    """Add a key that may read, or also write, what is the tenant's. Its token is told this once."""
    if given.scope is Scope.OPERATOR:
        says = "a tenant's key may be of the scope write or read"
        raise ProblemError(422, "not_valid", f"body.scope: {says}.", errors=[Fault(field="body.scope", says=says)])
    return told_once(keys.add(here, by.tenant_id, name=given.name, scope=given.scope, expires_in=given.expires_in))


@router.post("/{key_id}/rotate", status_code=201, summary="Rotate a key", responses=told(404))
def rotate(
    here: Here, by: Writer, key_id: KeyId, given: Annotated[shapes.Rotation | None, Body()] = None
) -> shapes.ShownKey:
    """Make a new key of the same name, scope and end; the old one opens besides for `overlap` more seconds."""
    return told_once(keys.rotate(here, by.tenant_id, key_id, overlap=(given or shapes.Rotation()).overlap))


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=told(404))
def revoke(here: Here, by: Writer, key_id: KeyId) -> None:
    """Let the key open nothing from now on."""
    keys.revoke(here, by.tenant_id, key_id)


def shown(one: ApiKey) -> shapes.Key:
    """The key on the wire, without its secret."""
    return shapes.Key(
        id=one.id,
        name=one.name,
        scope=one.scope,
        created=one.created_at,
        last_used=one.last_used_at,
        expires=one.expires_at,
    )


def told_once(made: tuple[ApiKey, str]) -> shapes.ShownKey:
    """A key that was just made, with its token."""
    key, token = made
    return shapes.ShownKey(**shown(key).model_dump(), token=token)
