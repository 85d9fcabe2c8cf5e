"""A category on its way to the store, without or otherwise than what the store refused of it.

More than ten categories go in one call only where each has its URL (API facts §2.5). So a change of a category that
has the URL which we gave it says that again: nothing changes by it. A URL that somebody gave it in the store is never
touched, and that category goes with fewer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from worker.bigcommerce import encode
from worker.bigcommerce.client import Stopping
from worker.catalog import pictures
from worker.catalog.changes import CreateCategory, UpdateCategory
from worker.catalog.fields import Group
from worker.catalog.items import Category, Problem
from worker.catalog.sending import Job
from worker.catalog.urls import LONGEST_URL
from worker.errors import QuotaSpent, WorkerError

_TAKEN = re.compile(r"duplicate|taken|in use|exist|unique", re.IGNORECASE)
"""What a refusal of a URL says that somebody else has; the store's own words are not known for sure (API facts §5)."""
_DISPENSABLE = {
    "url": ("url_refused", "the store refused the URL, the category has one of the store's own or the one it had"),
    "image_url": ("image_refused", "the store refused the picture, the category goes without it"),
}
"""What a category is sent without where the store refuses it, and how that is said."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A category to be made or changed, as it is sent this time."""

    job: Job
    without: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    refused: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Source image id -> [url, reason]"""
    address: str | None = None
    """The path instead of the one that is taken."""

    @property
    def body(self) -> encode.Body:
        """What is sent."""
        whole = _whole(self.job)
        if self.address is not None:
            whole["url"] = {**whole["url"], "path": self.address}
        elif "url" not in whole and has_our_url(self.job):
            whole["url"] = {"path": self.job.url_before, "is_customized": True}
        return {name: value for name, value in whole.items() if name not in self.without}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of a change but the category's id."""
        return set(_whole(self.job)) - self.without == {"category_id"}

    def lighter(self, reasons: Mapping[str, str]) -> Attempt | None:
        """The same without what the store refused of it, if it can be sent without that."""
        body = self.body
        name = next((one for one in _DISPENSABLE if one in body and one in reasons), None)
        if name is None:
            return None
        if name == "url" and name not in _whole(self.job):
            return replace(self, without=self.without | {name})
        is_new = isinstance(self.job.change, CreateCategory)  # another one keeps the URL that shoppers know
        if name == "url" and is_new and self.address is None and _TAKEN.search(reasons[name]):
            second = _second_address(self.job, body["url"]["path"])
            if len(second) <= LONGEST_URL:
                text = f"the store refused the URL, the category has {second} instead: {reasons[name]}"
                told = Problem("url_refused", text, name)
                return replace(self, address=second, problems=(*self.problems, told))
        code, text = _DISPENSABLE[name]
        problems = [one for one in self.problems if one.code != code]
        problem = Problem(code, f"{text}: {reasons[name]}", name)
        refused = self.refused
        if name == "image_url":
            refused = {one.source_id: (one.url, reasons[name]) for one in category_of(self.job).images[:1]}
        address = None if name == "url" else self.address
        return Attempt(self.job, self.without | {name}, (*problems, problem), refused, address)

    def kept(self, trouble: WorkerError) -> CreateCategory | UpdateCategory | None:
        """The change as it is kept where this attempt was not sent: a URL that is refused is not asked for again."""
        is_other = self.address is not None or "url" in self.without
        if not isinstance(trouble, Stopping | QuotaSpent) or not is_other or "url" not in _whole(self.job):
            return None
        change, category = self.job.change, category_of(self.job)
        assert isinstance(change, CreateCategory | UpdateCategory)
        fields = {name: value for name, value in category.fields.items() if name != "url"}
        if self.address is not None:
            fields["url"] = self.address
        remarks = (*category.remarks, *(one for one in self.problems if one.field == "url"))
        return replace(change, category=replace(category, fields=fields, remarks=remarks))

    def parts(self, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parts of its relation: which picture the store refused."""
        change = self.job.change
        if isinstance(change, UpdateCategory) and Group.IMAGES not in change.groups:
            return before
        return pictures.with_refused(before, self.refused)


def category_of(job: Job) -> Category:
    """The category that is made or changed."""
    assert isinstance(job.change, CreateCategory | UpdateCategory)
    return job.change.category


def has_our_url(job: Job) -> bool:
    """Whether the store's category had at the last read the URL that we give it."""
    wanted = category_of(job).fields.get("url")
    if not wanted or not job.url_before:
        return False
    path = encode.url_path(str(wanted))
    return _held(job.url_before) in {_held(path), _held(_second_address(job, path))}


def carries_url(job: Job) -> bool:
    """Whether the category is sent with a URL, be it the one that it has."""
    return "url" in Attempt(job).body


def _second_address(job: Job, path: str) -> str:
    """The path with the storefront's number: a store may have no two of the same, on whichever storefronts."""
    assert isinstance(job.change, CreateCategory | UpdateCategory)
    return encode.url_path(f"{path.rstrip('/')}-{job.change.storefront_id}")


def _held(path: str) -> str:
    return path.strip("/").casefold()


def _whole(job: Job) -> encode.Body:
    """The body with all that the change says."""
    if isinstance(job.change, CreateCategory):
        return encode.new_category(job.change.category, tree_id=job.tree_id, parent_store_id=job.parent_store_id)
    assert isinstance(job.change, UpdateCategory)
    assert job.relation is not None
    moved = None if job.relation.parent_store_id == job.parent_store_id else job.parent_store_id
    body = encode.changed_category(
        job.change.category, job.change.groups, store_id=job.relation.store_id, parent_store_id=moved
    )
    if not job.relation.enabled and "is_visible" not in body:
        # It was disabled when it was gone, or shown elsewhere; it is back.
        body["is_visible"] = job.change.category.fields.get("is_visible") is not False
    return body
