"""What the API refuses (by number) and what the control API refuses.

ApiError            answered with HTTP 200 and `error: n` (API facts §9)
ControlRefusal      answered with its status and a sentence
├── NoSuchThing         404
└── NotAcceptable       422
"""

from enum import IntEnum


class ErrorCode(IntEnum):
    """The numbers of API facts §9."""

    VALIDATION = 1
    CONNECTOR_CODE = 2
    UNIQUE = 3
    KEY = 4
    LAST_UPDATE = 5
    VERSION = 6
    OUTPUT_MODE = 7
    COMPRESSION = 8
    PRIVATE_KEY = 9
    BLOCKED = 10
    UNAVAILABLE = 11
    TIME = 12
    TIME_EXPIRED = 13
    UPDATING_DATA = 14


class ApiError(Exception):
    """The call is answered with an error number and no data."""

    def __init__(self, code: int) -> None:
        super().__init__(f"error {code}")
        self.code = int(code)


class ControlRefusal(Exception):
    """A control request asks for something that cannot be done."""

    status = 400


class NoSuchThing(ControlRefusal):
    """There is no such connector, table or item."""

    status = 404


class NotAcceptable(ControlRefusal):
    """The request names a column, option or switch that does not exist, or gives it a wrong value."""

    status = 422
