"""What a profile can hold and be tied to: its schema, storefronts of the store, categories."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.callers import Known, Reader
from api.here import Here
from api.paging import After, Limit, place, written
from api.problems import told
from api.routes.connectors import ConnectorId
from api.shapes import choices as shapes
from worker.catalog.profile import Profile
from worker.commands import choices

router = APIRouter(prefix="/v1", tags=["connectors"], responses=told(400, 401, 403, 413, 422, 429, 503))


@router.get("/profile-schema", summary="Read the schema of profiles")
def schema(by: Known) -> dict[str, Any]:
    """Give the JSON Schema of a connector's profile, with what each setting means."""
    del by
    return Profile.model_json_schema()


@router.get(
    "/connectors/{connector_id}/storefronts", summary="List the store's storefronts", responses=told(404, 409, 502)
)
def storefronts(here: Here, by: Reader, connector_id: ConnectorId, web: Request) -> shapes.Storefronts:
    """Ask the store for its storefronts, and say which of them the profile links to which root category."""
    with web.app.state.asking.one(by.tenant_id):
        found = choices.storefronts(here, by.tenant_id, connector_id)
    return shapes.Storefronts(
        storefronts=[
            shapes.Storefront(id=one.id, name=one.name, status=one.status, linked=one.linked, root=one.root)
            for one in found
        ]
    )


@router.get("/connectors/{connector_id}/categories", summary="List the source's categories", responses=told(404, 409))
def categories(
    here: Here,
    by: Reader,
    connector_id: ConnectorId,
    under: Annotated[
        int | None, Query(ge=1, lt=2**63, description="Those directly below this one; without it the top level")
    ] = None,
    search: Annotated[
        str | None, Query(min_length=1, max_length=200, description="Those of any level whose name holds this text")
    ] = None,
    limit: Limit = 100,
    after: After = None,
) -> shapes.CategoryPage:
    """Give the categories that a storefront can be tied to, as the source was last read; none before that."""
    begin = place(after, int)
    found = choices.categories(
        here,
        by.tenant_id,
        connector_id,
        under=under,
        search=search,
        after=0 if begin is None else int(begin[0]),
        limit=limit + 1,
    )
    page = found[:limit]
    return shapes.CategoryPage(
        categories=[
            shapes.Category(id=one.source_id, name=one.name, path=list(one.path), below=one.below) for one in page
        ],
        next=written(page[-1].source_id) if len(found) > limit else None,
    )
