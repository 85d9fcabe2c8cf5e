"""`uvicorn api.main:app`: the door of this process."""

from __future__ import annotations

from api.app import build
from api.here import desk
from worker import logs

_desk = desk()
logs.configure(_desk.settings)
app = build(_desk)
