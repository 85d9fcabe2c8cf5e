"""The broker that this process publishes to; trials that follow one another have one each."""

from __future__ import annotations

from worker.app import app


def speak_to(url: str) -> None:
    """Publish to this broker from now on; connections to the one before are forgotten."""
    app.conf.update(broker_url=url)
    # The pools were made for the broker before, and Celery has no public way to forget them but a fork.
    app._after_fork()  # type: ignore[attr-defined]  # noqa: SLF001
