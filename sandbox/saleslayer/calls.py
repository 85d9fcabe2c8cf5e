"""What a client asks for, read out of its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.saleslayer.trouble import ApiError, ErrorCode

VERSIONS = ("1.17", "1.18")
DEFAULT_VERSION = "1.17"  # API facts §2.2: the server's default
DEFAULT_PAGINATION = "1000"
YES = {"1", "true", "yes"}
BOOLEANS = YES | {"0", "false", "no", ""}

# Errors 5 to 8 only inform: the data comes with them (API facts §9).
INFORMATIVE = {ErrorCode.LAST_UPDATE, ErrorCode.VERSION, ErrorCode.OUTPUT_MODE, ErrorCode.COMPRESSION}


@dataclass(frozen=True, slots=True)
class Call:
    """One signed data call (API facts §2.2)."""

    version: str
    since: int | None
    bucket: int
    grouped: bool
    siblings: bool
    upper_tree: bool
    empty_categories: bool
    references: bool
    only_testing: bool
    never_refresh: bool
    compressed: bool
    notice: int | None


def bucket(pagination: str) -> int:
    """The page size that the server makes of the wish: below 1000 gives 500, 1001 to 1500 gives 1000 (API facts §8).

    What larger wishes give is not documented; here they are rounded down to whole thousands.
    """
    if not pagination.isdecimal() or int(pagination) == 0:
        raise ApiError(ErrorCode.VALIDATION)
    wish = int(pagination)
    return 500 if wish < 1000 else wish // 1000 * 1000


def version_of(parameters: Mapping[str, str]) -> str:
    """The version in which a call is answered."""
    return parameters["ver"] if parameters.get("ver") in VERSIONS else DEFAULT_VERSION


def read(parameters: Mapping[str, str]) -> Call:
    """The call that the parameters make; raises ApiError when they make none."""

    def says_yes(name: str) -> bool:
        """True when the parameter is there and affirms."""
        return parameters.get(name, "").lower() in YES

    last_update = parameters.get("last_update", "")
    complaints = {
        ErrorCode.LAST_UPDATE: bool(last_update) and not last_update.isdecimal(),
        ErrorCode.VERSION: parameters.get("ver", "") not in {*VERSIONS, ""},
        ErrorCode.OUTPUT_MODE: parameters.get("output", "json").lower() != "json",
        ErrorCode.COMPRESSION: parameters.get("compression", "1").lower() not in BOOLEANS,
    }
    return Call(
        version=version_of(parameters),
        since=(int(last_update) or None) if last_update.isdecimal() else None,
        bucket=bucket(parameters.get("pagination") or DEFAULT_PAGINATION),
        grouped=says_yes("group_category_id"),
        siblings=says_yes("same_parent_variants"),
        upper_tree=says_yes("parents_category_tree"),
        empty_categories=says_yes("add_empty_categories"),
        references=says_yes("get_file_refereneces"),  # spelled so, API facts §2.2
        only_testing=says_yes("test"),
        never_refresh=says_yes("force_update_only"),
        compressed=parameters.get("compression", "1").lower() in YES,
        notice=next((int(code) for code, is_wrong in complaints.items() if is_wrong), None),
    )
