"""Categories whose URLs are taken get others, and all go in as few calls as the store allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import fakeredis

from sandbox.bigcommerce.core import Sandbox
from sandbox.bigcommerce.transport import SandboxTransport
from worker.bigcommerce.client import Client, Stopping
from worker.bigcommerce.items import write_categories
from worker.bigcommerce.quota import Quota
from worker.catalog.changes import CreateCategory
from worker.catalog.items import Category
from worker.catalog.sending import Applied, Job

TOKEN = "secret"
PATH = "/v3/catalog/trees/categories"


def a_job(number: int, tree: int, **fields: Any) -> Job:
    named = {"name": f"Category {number}", **fields}
    change = CreateCategory(number, tree, 1, None, Category(number, None, named, ()), {})
    return Job(number, change, tree_id=tree)


def made(sandbox: Sandbox, jobs: list[Job]) -> tuple[list[Applied], list[int]]:
    """What came of the jobs, and how many categories went in each call."""
    store = sandbox.store("abc")
    store.log.clear()
    quota = Quota(fakeredis.FakeRedis(), store_hash="abc")
    transport = SandboxTransport(sandbox)
    client = Client(base_url="https://s.example", store_hash="abc", token=TOKEN, quota=quota, transport=transport)
    try:
        applied = list(write_categories.create(client, jobs))
    finally:
        client.close()
    return applied, [(entry.body or b"").count(b'"name"') for entry in store.log.entries if entry.route == PATH]


def test_urls_that_another_tree_has_get_its_number_and_go_together_again() -> None:
    sandbox = Sandbox()
    channels = [{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}]
    store = sandbox.open("abc", TOKEN, plan="Enterprise", channels=channels)
    (tree,) = [row["id"] for row in sandbox.snapshot("abc")["trees"]]
    numbers = range(1, 25)
    urls = {number: f"/category-{number}/" for number in numbers}
    _, calls = made(sandbox, [a_job(number, tree, url=urls[number]) for number in numbers])
    assert calls == [24], "with their URLs they go together"

    again = [a_job(100 + number, tree, url=urls[number]) for number in numbers]
    applied, calls = made(sandbox, again)
    assert calls == [24, 24], "refused as a whole, then at once with addresses that nobody has"
    assert {one.job.pending_id for one in applied if one.relations} == {100 + number for number in numbers}
    assert {problem.code for one in applied for problem in one.problems} == {"url_refused"}
    assert len(sandbox.snapshot("abc")["categories"]) == 48
    assert {row["url"]["path"] for row in sandbox.snapshot("abc")["categories"]} >= {
        f"/category-{number}-{tree}/" for number in numbers
    }
    assert all("has /category-" in problem.text for one in applied for problem in one.problems)
    assert store.log.counters()["by_status"] == {"201": 1, "422": 1}

    more = [a_job(200 + number, tree, url=urls[number]) for number in numbers]
    applied, calls = made(sandbox, more)
    assert calls == [24, 24, 10, 10, 4], "where those are taken too, as many as go without a URL"
    assert [len(one.problems) for one in applied] == [1] * 24, "what is said is where it stands in the end"
    assert {row["url"]["path"] for row in sandbox.snapshot("abc")["categories"]} >= {"/category-201/"}


def test_a_url_that_was_refused_is_not_asked_for_again_where_the_slice_ends_in_between() -> None:
    sandbox = Sandbox()
    sandbox.open("abc", TOKEN, plan="Enterprise", channels=[{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}])
    (tree,) = [row["id"] for row in sandbox.snapshot("abc")["trees"]]
    made(sandbox, [a_job(1, tree, url="/taken/")])
    other = a_job(2, tree, url="/taken/")
    quota = Quota(fakeredis.FakeRedis(), store_hash="abc")
    client = Client(
        base_url="https://s.example", store_hash="abc", token=TOKEN, quota=quota, transport=SandboxTransport(sandbox)
    )
    answered = client.post

    def post_and_stop(*given: Any, **named: Any) -> Any:
        try:
            return answered(*given, **named)
        finally:
            client.stop.set()

    client.post = post_and_stop  # type: ignore[method-assign]
    (left,) = write_categories.create(client, [other])
    client.close()
    assert isinstance(left.trouble, Stopping)
    assert isinstance(left.revised, CreateCategory)
    assert left.revised.category.fields["url"] == f"/taken-{tree}/"
    assert [problem.code for problem in left.revised.category.remarks] == ["url_refused"]

    applied, calls = made(sandbox, [replace(other, change=left.revised)])
    assert calls == [1]
    assert applied[0].trouble is None
    assert sandbox.store("abc").log.counters()["by_status"] == {"201": 1}
