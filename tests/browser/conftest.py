"""A real browser, and the pages on a loopback port; screenshots are kept under artefacts/."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sandbox.servers.postgres import EmbeddedPostgres
from sandbox.servers.redis import EmbeddedRedis
from sandbox.stage.database import migrate
from sandbox.stage.stage import KEY_RING
from tests.looking import Looked, looked_at
from worker.settings import Settings

ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "pages"
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
INSTALL = "no chromium was found: `scripts/browser` installs Debian's, or CHROMIUM=path names another"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def looked() -> Iterator[Looked]:
    """The pages, with a stage behind them."""
    with EmbeddedPostgres(durable=False) as postgres, EmbeddedRedis() as redis:
        postgres.create_database("stage")
        migrate(postgres.url("stage", "owner"))
        settings = Settings(
            database_url=postgres.url("stage"),
            redis_url=redis.url,
            credential_keys=KEY_RING,
            log_level="critical",
            calls_in_flight=6,
        )
        with looked_at(settings) as opened:
            yield opened


@pytest.fixture(autouse=True)
def rested(request: pytest.FixtureRequest) -> Iterator[None]:
    """No slice is played for a test that is over, nor beside the tests of other folders."""
    yield
    if "looked" in request.fixturenames:
        request.getfixturevalue("looked").rest()


class Watched:
    """A page of the browser, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: self.wrong.append(dialog.message))

    def _heard(self, kind: str, said: str) -> None:
        # A form that comes back with what is wrong is an answer of 422: the browser tells of it as an error.
        if kind == "error" and "status of 422" not in said:
            self.wrong.append(said)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in a browser of their own; nothing may have gone wrong in them at the end."""
    opened: list[tuple[Any, Watched]] = []

    def open_one(*, width: int = 1280, height: int = 900, scheme: Any = "light", **wiring: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **wiring)
        context.set_default_timeout(15_000)
        opened.append((context, Watched(context.new_page())))
        return opened[-1][1].page

    yield open_one
    wrong = [one for _, watched in opened for one in watched.wrong]
    for context, _ in opened:
        context.close()
    assert wrong == []


@pytest.fixture
def keep() -> Callable[[Page, str], None]:
    """Keeps a screenshot of the whole page under this name."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)

    def shoot(page: Page, name: str) -> None:
        page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    return shoot
