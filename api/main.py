"""`uvicorn api.main:app`: the door of this process."""

from __future__ import annotations

from api.app import build
from api.here import desk
from worker import logs, traces

_desk = desk()
logs.configure_process(_desk.settings)
traces.configure(_desk.settings, service="connector-api")
app = build(_desk)
