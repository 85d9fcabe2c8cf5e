"""What a fault does to an answer; the kinds are listed in `switches.py`."""

import secrets
from urllib.parse import urlsplit

from sandbox.saleslayer.envelope import Envelope
from sandbox.saleslayer.messages import Answer, html_answer
from sandbox.saleslayer.switches import Fault
from sandbox.saleslayer.trouble import ApiError, ErrorCode


def instead(fault: Fault | None) -> Answer | None:
    """The answer that is given in place of the service's; raises ApiError where that is an error number."""
    match fault:
        case Fault(kind="drop"):
            return Answer(dropped=True)
        case Fault(kind="http"):
            return html_answer(fault.status, "The service is not available")
        case Fault(kind="html"):
            return html_answer(200, "Down for maintenance")
        case Fault(kind="error"):
            raise ApiError(fault.error)
        case Fault(kind="expired"):
            raise ApiError(ErrorCode.TIME_EXPIRED)
        case _:
            return None


def spoiled(content: Envelope, fault: Fault | None, *, own_address: str) -> Envelope:
    """The envelope as the fault leaves it; `own_address` leads to the page that it answers."""
    match fault:
        case Fault(kind="repeat"):
            return content | {"next_page": own_address}
        case Fault(kind="empty"):
            # Endless empty pages were seen with older servers (API facts §8): each has another address.
            nothing: dict[str, list[object]] = {name: [] for name in content.get("data", {})}
            return content | {"data": nothing, "next_page": _another(own_address)}
        case Fault(kind="no_data"):
            return {name: value for name, value in content.items() if name not in {"data", "error"}}
        case _:
            return content


def _another(address: str) -> str:
    return urlsplit(f"{address}&again={secrets.token_hex(4)}").geturl()
