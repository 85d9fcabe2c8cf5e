"""Values under the name of a secret, found in a text, however they are written there.

A text is read once from left to right: a name, what joins it to its value, and the value to its end. Where its end can
be read in two ways, the later one counts: a word too many may be hidden, and no half of a secret is shown.
"""

from __future__ import annotations

import re

SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|(?:^|[_.-])(?:pass|pwd)$|authorization|cookie|credential(?!s?[_-]?refused)|signature"
    r"|key256|(?:api|private|access)[ _-]?key|auth[_-]?client",
    re.IGNORECASE,
)
"""A value under such a name is a secret, whatever it looks like; `credentials_refused` is what a run comes to."""
_HEADER = re.compile("authorization|cookie", re.IGNORECASE)
"""Their values have blanks and semicolons: they go on to the end of the line."""
_NAME = re.compile(r"(?:api|private|access) key\w*|\w(?:[-.]?\w)*", re.IGNORECASE)

_CLOSED = r"(?P<closed>(?:\\*+[\"'`]|%2[27]|&quot;|&#3[49];)?\]?)"
"""The end of a name in quotes, or in brackets."""
_JOINTS = {
    # token: x, "token": "x", token = x, token => x, assert token == 'x', token%3Dx, and a block of YAML
    "sign": re.compile(rf"{_CLOSED}\s*+(?:[:!]?=++>?|->|:|%3[aAdD])\s*+(?:[|>][+-]?\s++)?"),
    # {"name": "Cookie", "value": "x"}, <input name="token" value="x">
    "value": re.compile(rf"{_CLOSED}(?:,\s*+|\s++)\\*+[\"']?value\\*+[\"']?\s*+[:=]\s*+"),
    # Token('x'), password 'x'
    "quote": re.compile(r"(?P<closed>)(?:\(|[ \t]++)(?=[bBrRuUfF]{0,2}\\*+[\"'`])"),
    # password is x, password is: x; but a word behind it says what is wrong with the password
    "is": re.compile(
        rf"{_CLOSED}\s++(?:is|was|are|were)(?::\s*+|\s++(?![a-z]++(?:'[a-z]++)?(?:[\s.,;:!?)]|$)))", re.IGNORECASE
    ),
    # such as ("X-Auth-Token", "x") and ['--token', 'x']
    "pair": re.compile(rf"{_CLOSED},\s*+(?=[bBrRuUfF]{{0,2}}\\*+[\"'`])"),
    # --token x, <Cookie a=x for host>
    "blank": re.compile(r"(?P<closed>)\s++"),
    # <token kind="a">x</token>
    "tag": re.compile(r"(?P<closed>)[^<>]*+>"),
}
_ALWAYS, _OF_HEADERS = ("sign", "value", "quote", "is"), ("sign", "value", "blank")
_OPENS_PAIR = re.compile(r"[\[(]\s*[bBrRuUfF]{0,2}\\*[\"'`]$")
_SENT_HEADER = re.compile("x-auth-(?:token|client)|(?:proxy-)?authorization|(?:set-)?cookie", re.IGNORECASE)
"""A header that is nothing but one, in a list of names and values without brackets around each."""
_QUOTED = re.compile(r"\\*[\"'`]$")
_FAR_ENOUGH = 16
"""Characters before a name in which the beginning of a pair is looked for."""

_PREFIX = re.compile(r"[bBrRuUfF]{0,2}")
_PIECE = re.compile(
    r"(?P<marks>\\*+)(?P<quote>[\"'`])|(?P<opening>[\[({])|(?P<closing>[\])}])|(?P<between>[,;&])|(?P<blank>\s++)"
    r"|[^\s\"'`\\,;&\[\](){}]++|\\++"
)
_GOES_ON = re.compile(r"[^\s\"'`\\,;&\])}]")
_NEXT_NAME = re.compile(r"[\w.-]++(?:\[\w*+\])?[:=]")
_TO_LINE_END = re.compile(r"[^\n]*+(?:(?<=[;,])\r?\n[ \t][^\n]*+|(?<=[;,]\r)\n[ \t][^\n]*+)*+")


def is_secret(name: str | bytes) -> bool:
    """Whether this is a name alone, and that of a secret."""
    said = name if isinstance(name, str) else name.decode("latin-1")
    return bool(_NAME.fullmatch(said) and SECRET_NAME.search(said))


def hidden(said: str, instead: str) -> str:
    """The text with `instead` in the place of every value under the name of a secret."""
    told, shown, at = [], 0, 0
    while (name := _NAME.search(said, at)) is not None:
        at = name.end()
        if not SECRET_NAME.search(name[0]):
            continue
        begins, ends = _value(said, name)
        if ends > begins:
            told += [said[shown:begins], instead]
            shown = at = ends
    return "".join([*told, said[shown:]])


def _value(said: str, name: re.Match[str]) -> tuple[int, int]:
    """From where to where the value of this name goes; nowhere, where it has none."""
    before = said[max(0, name.start() - _FAR_ENOUGH) : name.start()]
    is_option, is_tag = before.endswith("--"), before.endswith("<")
    is_cookie = is_tag and "cookie" in name[0].lower()
    joints = [*_ALWAYS]
    is_of_headers = _SENT_HEADER.fullmatch(name[0]) and _QUOTED.search(before)
    joints += ["pair"] if _OPENS_PAIR.search(before) or is_option or is_of_headers else []
    joints += ["blank"] if is_option or is_cookie else []
    joints += ["tag"] if is_tag else []
    for joint in joints:
        found = _JOINTS[joint].match(said, name.end())
        if found is None:
            continue
        at = found.end()
        if joint == "tag":
            ends = said.find("<", at)
            return at, ends if ends >= 0 else len(said)
        is_header = _HEADER.search(name[0]) and joint in _OF_HEADERS and found["closed"] in ("", "]")
        # Cookie: "a"=b; c=d is a header, cookie="a" is not one.
        if is_header and (":" in found[0] or not _begins_enclosed(said, at)):
            return at, _end_of_line(said, at)
        return at, _end_of_value(said, at)
    return name.end(), name.end()


def _begins_enclosed(said: str, at: int) -> bool:
    piece = _PIECE.match(said, _after_prefix(said, at))
    return piece is not None and bool(piece["quote"] or piece["opening"])


def _after_prefix(said: str, at: int) -> int:
    found = _PREFIX.match(said, at)
    return at if found is None else found.end()


def _end_of_line(said: str, at: int) -> int:
    """Where the line ends, with the lines that go on with it."""
    found = _TO_LINE_END.match(said, at)
    return at if found is None else found.end()


def _end_of_value(said: str, at: int) -> int:
    """Behind the quotes and brackets that the value begins with, and whatever hangs on it without a blank."""
    depth, opened, may_open = 0, "", _after_prefix(said, at)
    while (piece := _PIECE.match(said, at)) is not None:
        mark = piece[0]
        if piece["quote"]:
            # Within a value a quote is its own, or that of the text around it.
            if depth or (at == may_open and opened in ("", mark)):
                opened, at = mark, _end_of_quoted(said, piece.end(), piece["quote"], len(piece["marks"]))
                may_open = at
                continue
            if not _GOES_ON.match(said, piece.end()):
                return at
        elif piece["opening"]:
            depth += 1
        elif depth:
            depth -= bool(piece["closing"])
        elif piece["blank"] or ((piece["closing"] or piece["between"]) and not _is_part(said, piece)):
            return at
        at = piece.end()
    return len(said)


def _is_part(said: str, piece: re.Match[str]) -> bool:
    """Whether this comma or bracket stands within a value: what follows is neither a blank nor another name."""
    return bool(_GOES_ON.match(said, piece.end())) and not (piece["between"] and _NEXT_NAME.match(said, piece.end()))


def _end_of_quoted(said: str, at: int, quote: str, marks: int) -> int:
    r"""Behind the quote that ends what began with one behind so many backslashes.

    In JSON within JSON \" begins and ends a string, and \\\" stands in it. Of more backslashes nobody can say whether
    they belong to the quote or to the text before it: then all is hidden.
    """
    while (found := said.find(quote, at)) >= 0:
        before = found - at - len(said[at:found].rstrip("\\"))
        if before <= marks:
            return found + 1
        if before >= 3 * marks + 2:
            break
        at = found + 1
    return len(said)
