"""Each thread has its own client, and all are closed together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx

from worker.bigcommerce.lines import Lines


class Kept(httpx.Client):
    """A client that knows whether it was closed."""

    def __init__(self) -> None:
        super().__init__(transport=httpx.MockTransport(lambda _: httpx.Response(200)))


def test_a_thread_keeps_its_client_and_shares_it_with_nobody() -> None:
    made: list[Kept] = []

    def open_one() -> Kept:
        made.append(Kept())
        return made[-1]

    lines = Lines(open_one)
    together = threading.Barrier(3)

    def work(_: int) -> None:
        together.wait(10)
        for _ in range(4):
            assert lines.request("GET", "https://store.test/").status_code == 200

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert len(made) == 3
    lines.close()
    assert all(one.is_closed for one in made)
