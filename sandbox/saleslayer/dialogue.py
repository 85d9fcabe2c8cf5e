"""One request to the connector API, from parameters to bytes."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sandbox.saleslayer import envelope, faults
from sandbox.saleslayer.answering import Reply, first_answer
from sandbox.saleslayer.calls import DEFAULT_VERSION, version_of
from sandbox.saleslayer.connector import Asked, Connector
from sandbox.saleslayer.messages import Answer, Request, json_answer
from sandbox.saleslayer.reads import OpenRead, OpenReads
from sandbox.saleslayer.switches import Fault, Switches
from sandbox.saleslayer.trouble import ApiError, ErrorCode

BOM = b"\xef\xbb\xbf"
NOT_LOGGED = {"key", "key256", "page_token"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is to be answered: an envelope still to be written, or a ready answer in its place."""

    reply: Reply
    switches: Switches = field(default_factory=Switches)
    fault: Fault | None = None
    ready: Answer | None = None


def speak(request: Request, connectors: Mapping[str, Connector], reads: OpenReads, *, now: float) -> Spoken:
    """The answer to one request, still unwritten; the caller holds the lock."""
    try:
        connector, read, page = _meant(request, connectors, reads)
    except ApiError as refused:
        return Spoken(Reply(envelope.refusal(refused.code, DEFAULT_VERSION, int(now))))
    fault = connector.faults.take(page)
    try:
        spoken = _spoken(connector, request, read, page, reads, fault=fault, now=now)
    except ApiError as refused:
        version = read.version if read else version_of(request.parameters())
        time = connector.stamps.of_a_change()
        content = envelope.refusal(refused.code, version, time, connector.switches)
        spoken = Spoken(Reply(content), connector.switches, fault)
    connector.asked.append(_asked(spoken, request, page, now))
    return spoken


def written(spoken: Spoken, request: Request) -> Answer:
    """The answer as bytes; needs no lock, since rows are never changed in place."""
    delay = spoken.switches.latency_seconds
    if spoken.ready is not None:
        return replace(spoken.ready, delay=delay)
    answer = json_answer(spoken.reply.content)
    body, headers = answer.body, dict(answer.headers)
    if spoken.fault is not None and spoken.fault.kind == "cut":
        body = body[: len(body) // 2]
    if spoken.switches.bom:
        body = BOM + body
    accepted = "gzip" in request.headers.get("accept-encoding", "")
    if spoken.switches.gzip and spoken.reply.may_be_compressed and accepted:
        body, headers = gzip.compress(body, compresslevel=1), headers | {"content-encoding": "gzip"}
    return replace(answer, body=body, headers=headers, delay=delay)


def _meant(
    request: Request, connectors: Mapping[str, Connector], reads: OpenReads
) -> tuple[Connector, OpenRead | None, int]:
    """The connector that is asked; for a later page also the read and the page's number."""
    parameters = request.parameters()
    if "page_token" in parameters:
        read, number = reads.find(parameters["page_token"])
        return connectors[read.code], read, number
    if not parameters.get("code"):
        raise ApiError(ErrorCode.VALIDATION)
    if parameters["code"] not in connectors:
        raise ApiError(ErrorCode.CONNECTOR_CODE)
    return connectors[parameters["code"]], None, 1


def _spoken(
    connector: Connector,
    request: Request,
    read: OpenRead | None,
    page: int,
    reads: OpenReads,
    *,
    fault: Fault | None,
    now: float,
) -> Spoken:
    ready = faults.instead(fault)
    if ready is not None:
        return Spoken(Reply({}), connector.switches, fault, ready)
    if read is None:
        reply = first_answer(connector, request, now=now)
    else:
        reply = _later_answer(connector, request, read, page, now)
    opened = read or reply.opened
    if opened is not None:
        if opened.pages > 1 or fault is not None:
            reads.keep(opened)
        own_address = opened.address(request.origin, page)
        reply = replace(reply, content=faults.spoiled(reply.content, fault, own_address=own_address))
    return Spoken(reply, connector.switches, fault)


def _later_answer(connector: Connector, request: Request, read: OpenRead, page: int, now: float) -> Reply:
    lifetime = connector.options.page_lifetime_seconds
    if lifetime is not None and now - read.opened_at > lifetime:
        raise ApiError(ErrorCode.TIME_EXPIRED)
    # A later page is dated when it is answered: a client has to keep the first page's time (API facts §10.2).
    time = connector.stamps.of_a_change()
    content = envelope.later_page(connector, read, page, time, origin=request.origin)
    return Reply(content, read.may_be_compressed, read)


def _asked(spoken: Spoken, request: Request, page: int, now: float) -> Asked:
    content = spoken.reply.content
    return Asked(
        time=now,
        method=request.method,
        parameters={name: value for name, value in request.parameters().items() if name not in NOT_LOGGED},
        page=page,
        status=spoken.ready.status if spoken.ready else 200,
        action=content.get("action", ""),
        error=content.get("error", 0),
        rows={name: len(found) for name, found in content.get("data", {}).items()},
        has_next=bool(content.get("next_page")),
        fault=spoken.fault.kind if spoken.fault else "",
    )
