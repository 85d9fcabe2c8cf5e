"""What goes wrong, told as `application/problem+json` (RFC 9457); the codes stand in docs/api.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

from worker.commands.refusal import Refusal, Why
from worker.errors import ProfileUnusable, WorkerError
from worker.ledger.vault import KeyMissing
from worker.metrics import database

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_TYPE = "urn:saleslayer-bigcommerce:problem:"

STATUS: Mapping[Why, int] = {
    Why.UNKNOWN: 404,
    Why.TAKEN: 409,
    Why.SWITCHED_OFF: 409,
    Why.NO_RUN: 409,
    Why.NOTHING_FAILED: 409,
    Why.ANOTHER_STORE: 409,
    Why.PROFILE_UNUSABLE: 409,
    Why.NEIGHBOUR_UNREACHABLE: 502,
    Why.ADDRESS_REFUSED: 422,
    Why.TOO_MANY: 409,
    Why.KEYS_MISSING: 503,
}


class Fault(BaseModel):
    """One thing that is wrong with what was asked."""

    field: Annotated[str, Field(description="Where: body, path, query or header, then the names that lead there")]
    says: Annotated[str, Field(description="What is wrong; what stood there is not repeated")]


class Problem(BaseModel):
    """Why a request was not carried out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:saleslayer-bigcommerce:problem:switched_off",
                    "title": "Conflict",
                    "status": 409,
                    "code": "switched_off",
                    "detail": "'spring-shop' is switched off (credentials_refused: ...); enable it first.",
                    "errors": [],
                }
            ]
        }
    )

    type: Annotated[str, Field(description="Names the code as a URN")]
    title: Annotated[str, Field(description="The words of the status")]
    status: Annotated[int, Field(ge=400, le=599)]
    code: Annotated[str, Field(description="What programs look at; docs/api.md tells each")]
    detail: Annotated[str, Field(description="One plain sentence: what is wrong, and what to do")]
    errors: Annotated[list[Fault], Field(description="Each field that is wrong; empty where it is no field's fault")]


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.problem = _problem(status, code, detail, errors)
        self.headers = dict(headers or {})
        super().__init__(detail)


def _problem(status: int, code: str, detail: str, errors: Sequence[Fault] = ()) -> Problem:
    return Problem(
        type=f"{_TYPE}{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=list(errors),
    )


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that may end with these problems."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as a response."""
    return JSONResponse(problem.model_dump(), problem.status, dict(headers or {}), media_type=MEDIA_TYPE)


def attach(app: FastAPI) -> None:
    """Tell every trouble of the application as a problem."""
    handlers: dict[type[Exception], Any] = {
        ProblemError: _of_ours,
        RequestValidationError: _of_the_request,
        HTTPException: _of_the_framework,
        Refusal: _of_a_command,
        KeyMissing: _of_the_keys,
        WorkerError: _of_the_worker,
        DBAPIError: _of_the_database,
        PoolTimeout: _of_the_database,
        Exception: _of_a_bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _of_ours(_request: Request, trouble: ProblemError) -> JSONResponse:
    return answer(trouble.problem, trouble.headers)


async def _of_the_request(_request: Request, trouble: RequestValidationError) -> JSONResponse:
    faults = [
        Fault(field=".".join(str(part) for part in one["loc"] if part != "[key]"), says=_says(one))
        for one in trouble.errors()
    ]
    many = "; ".join(f"{one.field}: {one.says}" for one in faults[:3])
    return answer(_problem(422, "not_valid", f"{many}.", faults))


def _says(fault: Mapping[str, Any]) -> str:
    # What stood there is not repeated: a body holds credentials.
    return str(fault["msg"]).removeprefix("Value error, ").rstrip(".")


async def _of_the_framework(request: Request, trouble: HTTPException) -> JSONResponse:
    codes = {404: "no_such_path", 405: "no_such_method", 413: "too_large"}
    code = codes.get(trouble.status_code, "not_valid" if trouble.status_code < 500 else "error")
    phrase = HTTPStatus(trouble.status_code).phrase
    headers = {"Allow": ", ".join(_allowed(request))} if trouble.status_code == 405 else trouble.headers
    return answer(_problem(trouble.status_code, code, f"{trouble.detail or phrase}."), headers)


def _allowed(request: Request) -> list[str]:
    """The methods that the path has; the framework tells those of the first operation only."""
    routes = request.app.router.routes
    return [
        method
        for method in METHODS
        if any(one.matches({**request.scope, "method": method})[0] is Match.FULL for one in routes)
    ]


def too_large() -> JSONResponse:
    """What is answered to a body that says itself that it is too large."""
    return answer(_problem(413, "too_large", "The body is too large."))


async def _of_a_command(_request: Request, refusal: Refusal) -> JSONResponse:
    faults = [Fault(field="body.url", says=str(refusal))] if refusal.why is Why.ADDRESS_REFUSED else []
    return answer(_problem(STATUS[refusal.why], refusal.why.value, str(refusal), faults))


async def _of_the_keys(_request: Request, trouble: KeyMissing) -> JSONResponse:
    log.error("key ring", reason=str(trouble))
    return answer(_problem(503, Why.KEYS_MISSING.value, "The service cannot seal or open credentials just now."))


async def _of_the_worker(_request: Request, trouble: WorkerError) -> JSONResponse:
    if isinstance(trouble, ProfileUnusable):
        faults = [Fault(field="profile", says=fault) for fault in trouble.faults]
        return answer(
            _problem(409, Why.PROFILE_UNUSABLE.value, "The stored profile cannot be used; put another one.", faults)
        )
    return answer(_problem(502, Why.NEIGHBOUR_UNREACHABLE.value, str(trouble)))


async def _of_the_database(_request: Request, trouble: DBAPIError | PoolTimeout) -> JSONResponse:
    if isinstance(trouble, OperationalError | InterfaceError | PoolTimeout):
        log.warning("database not reached", error=type(trouble).__name__)
        database.unwell(database.DOOR)
        detail = "The database does not answer just now; ask again in a few seconds."
        return answer(_problem(503, "unavailable", detail), {"Retry-After": "5"})
    return await _of_a_bug(_request, trouble)


async def _of_a_bug(request: Request, trouble: Exception) -> JSONResponse:
    log.error("request failed", method=request.method, path=request.url.path, exc_info=trouble)
    return answer(_problem(500, "error", "That is a fault of the service; it is in its log."))
