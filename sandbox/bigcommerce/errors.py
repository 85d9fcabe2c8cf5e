"""How the store refuses: envelope, words and codes."""

from collections.abc import Mapping
from typing import Any

from sandbox.bigcommerce.messages import Reply

TYPE = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"
INVALID_JSON = "JSON data is missing or invalid"
NO_SCOPE = "You don't have a required scope to access the endpoint"

# The words of the statuses that a fault or the front door answers without asking the store.
PLAIN_TITLES = {
    401: "Unauthorized",
    404: "The route is not found, check the URL",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class RefusalError(Exception):
    """The store says no: the whole request leaves no trace, and `reply` is its answer."""

    def __init__(
        self, status: int, title: str, errors: Mapping[str, Any] | None = None, code: int | None = None
    ) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.errors = dict(errors or {})
        self.code = code

    @property
    def envelope(self) -> dict[str, Any]:
        """The v3 error body (API facts §5); variants add a code."""
        code = {} if self.code is None else {"code": self.code}
        return {**code, "status": self.status, "title": self.title, "type": TYPE, "errors": self.errors}

    @property
    def reply(self) -> Reply:
        """The refusal as an answer."""
        return Reply(self.status, self.envelope)


class ShapedRefusalError(RefusalError):
    """A refusal whose body is not the usual envelope (batches, trees, inventory)."""

    def __init__(self, status: int, payload: Any, content_type: str = "application/json") -> None:
        super().__init__(status, "shaped")
        self.payload = payload
        self.content_type = content_type

    @property
    def reply(self) -> Reply:
        """The refusal in its own shape."""
        return Reply(self.status, self.payload, self.content_type)


def invalid(errors: Mapping[str, str]) -> RefusalError:
    """The body is not what the schema says."""
    return RefusalError(422, INVALID_JSON, errors)


def refused(title: str, field: str | None = None, *, status: int = 422, code: int | None = None) -> RefusalError:
    """One field is wrong, said in the title and again under the field."""
    return RefusalError(status, title, {field: title} if field else {}, code)


def not_found(kind: str) -> RefusalError:
    """The row in the path does not exist."""
    return RefusalError(404, f"{kind} was not found")


def too_large(most: int, what: str = "items") -> RefusalError:
    """More rows in one body than the endpoint takes (API facts §2.5)."""
    words = "items allowed in the array" if what == "items" else f"{what} allowed in the array"
    return RefusalError(413, f"The request payload is too large. The maximum {words} is {most}.")
