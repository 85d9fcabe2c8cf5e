"""The control API: what a test does to a server that runs elsewhere.

| request                                                  | body                                   | answer          |
| -------------------------------------------------------- | -------------------------------------- | --------------- |
| GET /_control/connectors                                 |                                        | {"codes": [..]} |
| PUT /_control/connectors/{code}                          | {"secret", "catalogue", "options"}     | the state       |
| GET /_control/connectors/{code}                          |                                        | the state       |
| POST /_control/connectors/{code}/items/{table}           | {column: value, ..}, "ID" if wanted    | {"id": n}       |
| PATCH .../items/{table}                                  | {"ids": [..], "changes": {column: v}}  | {}              |
| GET .../items/{table}/{id}                               |                                        | the item        |
| PATCH .../items/{table}/{id}                             | {column: value, ..}                    | the item        |
| POST .../items/{table}/{id}/hide and .../show            |                                        | {}              |
| DELETE .../items/{table}/{id}                            |                                        | {}              |
| POST /_control/connectors/{code}/touch-config            |                                        | the state       |
| PUT /_control/connectors/{code}/switches                 | the fields of Switches, others plain   | the state       |
| GET /_control/connectors/{code}/log                      |                                        | {"log": [..]}   |

A refusal is {"error": sentence} with 400 (not JSON), 404 (no such thing) or 422 (a wrong name or value).
"""

import re
from collections.abc import Callable
from typing import Any

from sandbox.saleslayer.connectors import Connectors
from sandbox.saleslayer.messages import Answer, Request, json_answer, json_body
from sandbox.saleslayer.switches import Options, Switches, from_json
from sandbox.saleslayer.trouble import ControlRefusal, NotAcceptable

ROOT = "/_control"
Json = dict[str, Any]
Action = Callable[[Connectors, dict[str, str], Json], Json | None]


def _put_connector(connectors: Connectors, where: dict[str, str], body: Json) -> Json:
    unknown = set(body) - {"secret", "catalogue", "options"}
    if unknown:
        msg = f"a connector has no {', '.join(sorted(unknown))}"
        raise NotAcceptable(msg)
    options = from_json(Options, body["options"]) if "options" in body else None
    return connectors.put_connector(
        where["code"], secret=body.get("secret"), catalogue=body.get("catalogue"), options=options
    )


def _edit(connectors: Connectors, where: dict[str, str], body: Json) -> Json:
    connectors.edit(**_item(where), changes=body)
    return connectors.item(**_item(where))


def _edit_many(connectors: Connectors, where: dict[str, str], body: Json) -> None:
    for item_id in body.get("ids", ()):
        connectors.edit(where["code"], where["table"], int(item_id), dict(body.get("changes", {})))


def _touch_config(connectors: Connectors, where: dict[str, str], _: Json) -> Json:
    connectors.touch_config(where["code"])
    return connectors.state(where["code"])


def _set_switches(connectors: Connectors, where: dict[str, str], body: Json) -> Json:
    connectors.set_switches(where["code"], from_json(Switches, body))
    return connectors.state(where["code"])


def _item(where: dict[str, str]) -> Json:
    return {"code": where["code"], "table": where["table"], "item_id": int(where["id"])}


CONNECTOR = r"/connectors/(?P<code>[^/]+)"
TABLE = CONNECTOR + r"/items/(?P<table>[^/]+)"
ITEM = TABLE + r"/(?P<id>\d+)"

ROUTES: list[tuple[str, str, Action]] = [
    ("GET", "/connectors", lambda connectors, _, __: {"codes": connectors.codes()}),
    ("PUT", CONNECTOR, _put_connector),
    ("GET", CONNECTOR, lambda connectors, where, _: connectors.state(where["code"])),
    ("POST", TABLE, lambda connectors, where, body: {"id": connectors.add(where["code"], where["table"], body)}),
    ("PATCH", TABLE, _edit_many),
    ("GET", ITEM, lambda connectors, where, _: connectors.item(**_item(where))),
    ("PATCH", ITEM, _edit),
    ("DELETE", ITEM, lambda connectors, where, _: connectors.delete(**_item(where))),
    ("POST", ITEM + "/hide", lambda connectors, where, _: connectors.hide(**_item(where))),
    ("POST", ITEM + "/show", lambda connectors, where, _: connectors.show(**_item(where))),
    ("POST", CONNECTOR + "/touch-config", _touch_config),
    ("PUT", CONNECTOR + "/switches", _set_switches),
    ("GET", CONNECTOR + "/log", lambda connectors, where, _: {"log": connectors.log(where["code"])}),
]


def answer(connectors: Connectors, request: Request) -> Answer:
    """The answer to a control request."""
    path = request.path.removeprefix(ROOT)
    for method, pattern, action in ROUTES:
        found = re.fullmatch(pattern, path)
        if found is None or method != request.method:
            continue
        try:
            return json_answer(action(connectors, found.groupdict(), json_body(request)) or {})
        except ControlRefusal as refused:
            return json_answer({"error": str(refused)}, status=refused.status)
        except ValueError as unreadable:
            return json_answer({"error": str(unreadable)}, status=400)
    return json_answer({"error": f"there is no {request.method} {request.path}"}, status=404)
