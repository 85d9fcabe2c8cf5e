"""Requests with an `Idempotency-Key`: repeated within a day, they get the answer of the first one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse

from api.callers import Tenants
from api.problems import ProblemError
from worker.commands.desk import Desk
from worker.commands.refusal import Refusal
from worker.ledger import answered
from worker.ledger.answered import Answer
from worker.ledger.session import Session, as_tenant

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text of your own for this request: repeated within 24 hours, it gets the first one's answer",
    ),
]
REPLAYED = "Idempotent-Replayed"
"""Header of an answer that was given before."""


class AnsweredMeanwhileError(Exception):
    """Somebody else has carried out the same request at the same time: what was done is undone."""


@dataclass(frozen=True, slots=True)
class Once:
    """One request that is carried out once."""

    desk: Desk
    tenants: Tenants
    key: str | None
    asked: str
    status: int

    def keep(self, session: Session, body: dict[str, Any]) -> None:
        """Keep the answer, in the transaction that carries the request out."""
        if self.key is None:
            return
        if not answered.keep(session, self.tenants.tenant_id, self.key, Answer(self.asked, self.status, body)):
            raise AnsweredMeanwhileError

    def carry_out(self, act: Callable[[], dict[str, Any]]) -> JSONResponse:
        """The answer of `act`, which must call `keep` with it; or the one that the first such request got."""
        return self.carry_out_with_body(act)[0]

    def carry_out_with_body(self, act: Callable[[], dict[str, Any]]) -> tuple[JSONResponse, Mapping[str, Any]]:
        """Idem, with what the answer says."""
        given = self._given()
        if given is None:
            try:
                body = act()
            except AnsweredMeanwhileError:
                given = self._given()
            except Refusal:
                # It may be refused because the same request has just been carried out.
                given = self._given()
                if given is None:
                    raise
            else:
                return JSONResponse(body, self.status), body
        assert given is not None
        return JSONResponse(given.body, given.status, {REPLAYED: "true"}), given.body

    def _given(self) -> Answer | None:
        if self.key is None:
            return None
        with as_tenant(self.desk.engine, self.tenants.tenant_id) as session:
            given = answered.find(session, self.key)
        if given is not None and given.asked != self.asked:
            detail = "This Idempotency-Key came with another request before; take a new one for a new request."
            raise ProblemError(422, "key_reused", detail)
        return given


def once(desk: Desk, tenants: Tenants, request: Request, key: str | None, body: Any, *, status: int) -> Once:
    """The request as one that is carried out once, `status` its answer's; `body` as it was understood."""
    told = json.dumps([request.method, request.url.path, body], sort_keys=True, default=str)
    return Once(desk, tenants, key, hashlib.sha256(told.encode()).hexdigest(), status)
