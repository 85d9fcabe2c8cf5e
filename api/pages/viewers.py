"""Who looks at a page: known by a signed cookie, and by a form of their own where they act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Path, Request, Response

from api.here import Here
from api.pages import paper
from api.pages.signing import NotOurs, Seals, View
from api.pages.trouble import NotShown
from worker.commands.desk import Desk
from worker.ledger import overview
from worker.ledger.session import as_scheduler
from worker.settings import Settings

COOKIE, OPERATORS_COOKIE = "slbc_view", "slbc_operator"
MOST_FIELDS = 1000
OPEN_AGAIN = "Open the pages again from where you came from: they need a fresh link."

ConnectorId = Annotated[int, Path(ge=1, lt=2**63)]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at one connector."""

    view: View
    tenant_id: int
    connector_id: int
    token: str
    """For the forms of their pages."""

    @property
    def may_act(self) -> bool:
        """Whether their pages have buttons that act."""
        return self.view.may == "write"

    @property
    def who(self) -> str:
        """As the journal names them."""
        return self.view.who


def seals(desk: Desk) -> Seals:
    """The seals of this process's key ring."""
    return Seals(desk.vault)


def viewer(here: Here, request: Request, connector_id: ConnectorId) -> Viewer:
    """Who looks at this connector; 403 for everybody else."""
    ticket, view = _ticket(here, request, connector_id)
    tenant_id = view.tenant_id
    if tenant_id is None:
        with as_scheduler(here.engine) as session:
            found = overview.standings(session, connector_id=connector_id)
        if not found:
            raise NotShown(404, f"There is no connector {connector_id}.")
        tenant_id = found[0].tenant_id
    request.state.tenant_id = tenant_id
    return Viewer(view, tenant_id, connector_id, seals(here).token(ticket))


def operator(here: Here, request: Request) -> View:
    """An operator who looks at all; 403 for everybody else."""
    return _ticket(here, request, None)[1]


def _ticket(here: Desk, request: Request, connector_id: int | None) -> tuple[str, View]:
    """The cookie that opens this connector (None: all of them), and its view."""
    sealed = seals(here)
    for name in (COOKIE, OPERATORS_COOKIE):
        ticket = request.cookies.get(name)
        if ticket is None:
            continue
        try:
            view = sealed.seen(ticket, within=here.settings.view_seconds)
        except NotOurs:
            continue
        if view.is_operator or (connector_id is not None and view.connector_id == connector_id):
            return ticket, view
    raise NotShown(403, f"This view has expired, or is not for you. {OPEN_AGAIN}")


Form = Mapping[str, str]


async def form(request: Request) -> Form:
    """What the form says; of several values of one name the last."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise NotShown(422, "That is no form of these pages.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError as trouble:
        raise NotShown(422, "That form cannot be read.") from trouble
    if any("\0" in text for pair in pairs for text in pair):
        raise NotShown(422, "That form cannot be read.")
    return dict(pairs)


def sender(here: Here, request: Request, connector_id: ConnectorId, given: Annotated[Form, Depends(form)]) -> Viewer:
    """Who sent a form of their own page; 403 where another page sent it."""
    ticket, _ = _ticket(here, request, connector_id)
    if not _is_from_here(request, here.settings) or not seals(here).fits(given.get("token", ""), ticket):
        detail = "That did not come from a page of yours. Load the page again, and press the button there."
        raise NotShown(403, detail)
    return viewer(here, request, connector_id)


def actor(sent: Annotated[Viewer, Depends(sender)]) -> Viewer:
    """The same, where they may act."""
    if not sent.may_act:
        raise NotShown(403, "You may look at this connector, not act on it.")
    return sent


def _is_from_here(request: Request, settings: Settings) -> bool:
    """Browsers say where a request comes from; what says nothing is judged by the form's token alone."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin in (None, "null"):  # our own Referrer-Policy makes browsers say null
        return True
    host = urlsplit(origin or "").netloc
    return host in (urlsplit(settings.public_url).netloc, request.headers.get("host"))


Looking = Annotated[Viewer, Depends(viewer)]
"""Somebody who looks."""
Sending = Annotated[Viewer, Depends(sender)]
"""Somebody who sends a form that changes nothing."""
Acting = Annotated[Viewer, Depends(actor)]
"""Somebody who sends a form, and may act."""
Operating = Annotated[View, Depends(operator)]
"""An operator."""
Filled = Annotated[Form, Depends(form)]
"""What the form says."""


def let_in(response: Response, here: Desk, view: View) -> None:
    """Give the cookie that opens the pages."""
    settings = here.settings
    is_secure = urlsplit(settings.public_url).scheme == "https"
    name = OPERATORS_COOKIE if view.is_operator else COOKIE
    root = paper.base(settings)
    path = f"{root}/" if view.is_operator else f"{root}/connectors/{view.connector_id}"
    parts = [f"{name}={seals(here).ticket(view)}", f"Max-Age={int(settings.view_seconds)}", f"Path={path}", "HttpOnly"]
    if is_secure and paper.frames(settings) != "'none'":
        # In somebody's frame the cookie is another site's: the browser keeps it for that site alone.
        parts += ["Secure", "SameSite=None", "Partitioned"]
    else:
        parts += ["Secure"] * is_secure + ["SameSite=Lax"]
    response.headers.append("Set-Cookie", "; ".join(parts))
