"""A page's route: what goes wrong is told on a page, and every answer carries the pages' headers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from api.pages import paper
from api.pages.trouble import NotShown
from api.problems import STATUS, ProblemError
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal
from worker.errors import ProfileUnusable, WorkerError
from worker.ledger.vault import KeyMissing

log = structlog.get_logger(__name__)

TITLES = {
    400: "That cannot be done",
    403: "This view is closed",
    404: "Nothing is here",
    409: "That cannot be done now",
    422: "That is not understood",
    502: "A neighbour does not answer",
    503: "Not just now",
}
Handle = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose troubles are pages."""

    def get_route_handler(self) -> Handle:
        """The route's own way of answering, with what may go wrong in it."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            settings = request.app.state.desk.settings
            try:
                response = await answer(request)
            except Exception as trouble:  # noqa: BLE001 whoever looks is told on a page; a bug is logged
                response = told(request, trouble)
            for name, value in paper.headers(settings).items():
                response.headers.setdefault(name, value)
            return response

        return answered


def told(request: Request, trouble: Exception) -> Response:
    """The trouble as a page, or as a short JSON where no page was asked for."""
    desk: Desk = request.app.state.desk
    status, says = _said(request, trouble)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"says": says}, status)
    title = TITLES.get(status, "Something went wrong")
    back = request.url.path if request.method == "GET" else None
    return paper.page(
        "trouble.html", desk.settings, status=status, title=title, says=says, status_code=status, back=back
    )


def _said(request: Request, trouble: Exception) -> tuple[int, str]:
    match trouble:
        case NotShown():
            return trouble.status, trouble.says
        case ProblemError():
            return trouble.problem.status, trouble.problem.detail
        case Refusal():
            return STATUS[trouble.why], _sentence(str(trouble))
        case RequestValidationError():
            return 422, "The address holds something that no page of ours has written."
        case HTTPException():
            return trouble.status_code, _sentence(str(trouble.detail))
        case KeyMissing():
            log.error("key ring", reason=str(trouble))
            return 503, "The service cannot seal or open anything just now; its operator has to look at its keys."
        case ProfileUnusable():
            return 409, "The stored profile cannot be used: " + "; ".join(trouble.faults) + "."
        case WorkerError():
            return 502, _sentence(str(trouble))
        case OperationalError() | InterfaceError() | PoolTimeout():
            log.warning("database not reached", error=type(trouble).__name__)
            return 503, "The database does not answer just now; try again in a few seconds."
        case _:
            log.error("page failed", method=request.method, path=request.url.path, exc_info=trouble)
            return 500, "That is a fault of the service; it is in its log."


def _sentence(text: str) -> str:
    said = text[:1].upper() + text[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."
