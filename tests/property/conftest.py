"""No example fails for being slow: how long one takes says something of the machine alone."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
