"""How a signed call becomes the first page of an answer."""

from dataclasses import dataclass

from sandbox.saleslayer import envelope, imports, rows, signing
from sandbox.saleslayer.calls import Call, read
from sandbox.saleslayer.connector import Connector
from sandbox.saleslayer.envelope import Envelope
from sandbox.saleslayer.messages import Request
from sandbox.saleslayer.reads import OpenRead
from sandbox.saleslayer.selection import Wish, select


@dataclass(frozen=True, slots=True)
class Reply:
    """An envelope, and the read to which it belongs."""

    content: Envelope
    may_be_compressed: bool = False
    opened: OpenRead | None = None


def first_answer(connector: Connector, request: Request, *, now: float) -> Reply:
    """The envelope that answers a signed call; raises ApiError for one that gets an error alone.

    1. The signature is checked. 2. A call that writes or only tests is answered. 3. The answer is dated before its
    rows are chosen. 4. The rows are chosen and written, and page 1 is cut.
    """
    parameters = request.parameters()
    signing.check(
        parameters,
        secrets=connector.secrets,
        revoked=connector.options.revoked_secrets,
        now=now,
        window=connector.options.clock_window_seconds,
    )
    call = read(parameters)
    written = imports.read(request.pairs())
    time = connector.stamps.of_a_change()
    if call.only_testing:
        return Reply(envelope.auth_test(connector, call.version, time))
    if not connector.options.enabled:
        return Reply(envelope.without_data(connector, call.version, time))
    if written:
        connector.written += written
        response = imports.apply(connector.catalogue, written, at=time)
        return Reply(envelope.import_answer(connector, call.version, time, response))
    time = connector.stamps.of_an_answer(at_least=connector.config_changed_at)
    opened = _opened(connector, call, now=now)
    content = envelope.first_page(connector, opened, time, origin=request.origin)
    if call.notice is not None:
        content |= {"error": call.notice}
    return Reply(content, call.compressed, opened)


def _opened(connector: Connector, call: Call, *, now: float) -> OpenRead:
    """The read with all its rows; only the cells that a call changes are written anew."""
    since = _since(connector, call)
    switches, catalogue = connector.switches, connector.catalogue
    empty_categories = call.empty_categories or connector.options.include_empty_categories
    wish = Wish(since, call.siblings, call.upper_tree, empty_categories)
    manner = rows.Manner(
        since, call.grouped, call.references, switches.unchanged_images, empty_categories, switches.ghost_deletes
    )
    chosen = [
        (name, row)
        for name, selected in select(catalogue, wish).items()
        for row in rows.write(catalogue, catalogue.tables[name], selected, manner)
    ]
    everything = max(len(chosen), 1)
    page_rows = everything if call.version == "1.17" else switches.page_rows or call.bucket
    action = "refresh" if since is None else "update"
    return OpenRead(connector.code, call.version, action, call.compressed, chosen, page_rows, now)


def _since(connector: Connector, call: Call) -> int | None:
    """The date from which changes are wanted; None is everything (API facts §7.4, §11.5)."""
    if call.since is not None and call.since < connector.config_changed_at and not call.never_refresh:
        return None
    return call.since
