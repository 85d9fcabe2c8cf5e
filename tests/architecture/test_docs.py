"""The documents say what the code says: settings, states, codes, links, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from models.vocabulary import ENDED, MAY_BECOME, ItemKind, RunState, SliceEnd, Trigger, TurnState
from tests.architecture import codes, fields_page
from worker.catalog.causes import CAUSES
from worker.ledger import lapsed, turns
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SETTINGS = {
    name.upper(): field.default.get_secret_value() if isinstance(field.default, SecretStr) else str(field.default)
    for name, field in Settings.model_fields.items()
}

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MACHINE = re.compile(r"(?<![\w.{/-])/(work|root|home|tmp|mnt|Users)/")
_INDEX = re.compile(
    r"index-url|trusted-host|find-links|://\S*(pypi|pythonhosted|registry|artifactory|nexus)", re.IGNORECASE
)
_MAKE = re.compile(r"(?:`|^\s*|\s&&\s)make (?:[A-Z_]+=\S+ )*([a-z-]+)", re.MULTILINE)
_COMPOSE_ALONE = {
    "POSTGRES_PASSWORD",
    "OWNER_PASSWORD",
    "SERVICE_PASSWORD",
    "REDIS_PASSWORD",
    "FLOWER_BASIC_AUTH",
    "PYTHON_IMAGE",
}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[tuple[str, ...]]:
    """The cells of every table of the text that stands under this row of headings."""
    found: list[tuple[str, ...]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
        elif line == heading:
            inside = True
        elif inside and not set(line) <= set("|- "):
            found.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return found


def drawings(text: str) -> list[set[tuple[str, str]]]:
    """The arrows of every state diagram, in order."""
    blocks = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", text, re.DOTALL)
    return [set(re.findall(r"^\s*(\S+) --> (\S+)$", block, re.MULTILINE)) for block in blocks]


def bare(cell: str) -> str:
    return cell.strip("`")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_setting_stands_in_its_page_with_its_default() -> None:
    told = rows(page("docs/settings.md"), "| name | default | unit | what it means |")
    assert {bare(name): bare(default) for name, default, _, _ in told} == {
        name: default or "(empty)" for name, default in SETTINGS.items()
    }
    assert all(unit and meaning for _, _, unit, meaning in told)


def test_the_example_of_an_environment_holds_every_setting_and_a_word_about_each() -> None:
    lines = page(".env.example").splitlines()
    told = {line.partition("=")[0]: (line.partition("=")[2], lines[at - 1]) for at, line in enumerate(lines)
            if re.match(r"[A-Z_]+=", line)}  # fmt: skip
    assert {name: default for name, (default, _) in told.items()} == SETTINGS
    assert [name for name, (_, before) in told.items() if not before.startswith("# ")] == []


def test_docker_compose_knows_every_setting_and_asks_for_nothing_else() -> None:
    text = page("docker-compose.yml")
    named = set(re.findall(r"^ {2,6}([A-Z_]+):", text, re.MULTILINE)) | set(re.findall(r"\$\{([A-Z_]+)", text))
    assert set(SETTINGS) - named == set()
    asked = {name for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", text) if name not in SETTINGS}
    assert asked == _COMPOSE_ALONE
    assert set(re.findall(r"^#([A-Z_]+)=$", page(".env.example"), re.MULTILINE)) == asked


def test_nothing_is_left_to_be_filled_in() -> None:
    assert [path.name for path in PAGES if re.search(r"TODO|FIXME|TBD", path.read_text("utf-8"))] == []


def test_every_metric_that_a_page_names_is_in_its_own_page() -> None:
    there = set(re.findall(r"connector_[a-z_]+", page("docs/metrics.md")))
    named = {one for path in PAGES if path.name != "CHANGELOG.md"
             for one in re.findall(r"\bconnector_(?:service_)?[a-z_]*(?:seconds|total|jain|slots|turns|calls)\b",
                                   path.read_text("utf-8"))}  # fmt: skip
    assert named - there == set()


def test_the_worker_is_started_by_the_same_command_everywhere() -> None:
    command = "celery -A worker.app worker -P threads -c 16 -E --without-gossip --without-mingle"
    listed = ", ".join(f'"{word}"' for word in command.split())
    assert command in page("docs/operations.md")
    assert listed in page("Dockerfile")
    assert listed in page("docker-compose.yml")


def test_the_table_of_run_states_is_that_of_the_code() -> None:
    told = rows(page("docs/run_lifecycle.md"), "| from | to | when |")
    assert {(bare(state), bare(following)): when for state, following, when in told} == {
        (state.value, following.value): when
        for state, next_ones in MAY_BECOME.items()
        for following, when in next_ones.items()
    }


def test_the_drawing_of_run_states_is_that_of_the_code() -> None:
    drawn = drawings(page("docs/run_lifecycle.md"))[0]
    begins = {("[*]", RunState.QUEUED.value)}
    ends = {(state.value, "[*]") for state in ENDED}
    arrows = {(state.value, following.value) for state, next_ones in MAY_BECOME.items() for following in next_ones}
    assert drawn == begins | arrows | ends


def test_the_drawing_of_turns_is_their_table() -> None:
    text = page("docs/run_lifecycle.md")
    told = rows(text, "| from | to | by | when |")
    assert drawings(text)[1] - {("[*]", "parked")} == {(bare(state), bare(following)) for state, following, *_ in told}
    assert {bare(cell) for row in told for cell in row[:2]} == {state.value for state in TurnState}
    makers = {maker for _, _, by, _ in told for maker in re.findall(r"`(\w+)`", by)}
    assert {
        maker for maker in makers if not any(callable(getattr(room, maker, None)) for room in (turns, lapsed))
    } == set()


def test_every_end_of_a_slice_and_every_trigger_is_told() -> None:
    text = page("docs/run_lifecycle.md")
    ends = rows(text, "| a slice ends as | because | the connector is next |")
    triggers = rows(text, "| trigger | who asked | if the source has no change |")
    assert [bare(row[0]) for row in ends] == [end.value for end in SliceEnd]
    assert [bare(row[0]) for row in triggers] == [trigger.value for trigger in Trigger]


def test_every_code_is_explained_once_and_no_other() -> None:
    found = codes.found()
    assert found.untold == set(), "a code that this test cannot tell: write it plainly, or teach codes.py"
    told = [bare(row[0]) for row in rows(page("docs/errors.md"), "| code | what it says | what to do | who |")]
    assert sorted(told) == sorted(set(told)), "explained twice"
    missing = {code: sorted(places) for code, places in found.told.items() if code not in told}
    assert missing == {}, "docs/errors.md lacks these"
    assert set(told) - set(found.told) == set(), "docs/errors.md explains what nobody writes"


def test_the_catalogue_of_causes_says_what_its_page_says() -> None:
    told = rows(page("docs/errors.md"), "| code | what it says | what to do | who |")
    assert [(bare(code), *of) for code, *of in told] == [
        (one.code, one.says, one.do, one.who) for one in CAUSES.values()
    ]


def test_every_code_says_what_to_do_and_who_acts() -> None:
    acting = {"merchant", "connector", "store", "operator", "nobody"}
    for code, says, do, who in rows(page("docs/errors.md"), "| code | what it says | what to do | who |"):
        assert says.endswith("."), code
        assert do.rstrip(")").endswith("."), code
        assert who in acting, code
        assert "`connector " not in says + do or who == "operator", f"{code}: the others have no command line"


@pytest.mark.parametrize("kind", list(ItemKind))
def test_every_field_stands_in_its_page_as_the_code_has_it(kind: ItemKind) -> None:
    text = page("docs/fields.md")
    assert fields_page.section(kind) in text, "docs/fields.md is to say:\n" + fields_page.section(kind)
    assert text.count(fields_page.HEADING) == len(ItemKind)


def links() -> Iterator[tuple[str, str]]:
    for path in PAGES:
        for target in _LINK.findall(re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)):
            if "://" not in target:
                yield path.relative_to(ROOT).as_posix(), target


@pytest.mark.parametrize(("source", "target"), sorted(set(links())))
def test_every_link_leads_somewhere(source: str, target: str) -> None:
    name, _, anchor = target.partition("#")
    there = (ROOT / source).parent / name if name else ROOT / source
    assert there.exists()
    if anchor:
        assert anchor in anchors(there.read_text(encoding="utf-8"))


def test_every_page_is_reached_from_the_readme() -> None:
    reached, new = set[Path](), {ROOT / "README.md"}
    while new:
        reached |= new
        # A link to a folder leads to all that stands in it.
        near = {
            (one.parent / target.partition("#")[0]).resolve()
            for one in new
            for target in _LINK.findall(one.read_text("utf-8"))
        }
        near = {page for one in near for page in (one.glob("*.md") if one.is_dir() else [one])}
        new = {one for one in near if one.suffix == ".md" and one.exists()} - reached
    assert {one.resolve() for one in PAGES} - {one.resolve() for one in reached} == set()


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    named = {(path.name, target) for path in PAGES for target in _MAKE.findall(path.read_text(encoding="utf-8"))}
    assert {target for _, target in named} >= {"demo", "test"}
    assert {one for one in named if one[1] not in targets} == set()


def test_no_page_and_no_file_of_the_root_names_a_machine_or_an_index() -> None:
    root = [path for path in ROOT.iterdir() if path.is_file() and path.name not in {".coverage", ".env"}]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in {*PAGES, *root, *(ROOT / "scripts").iterdir(), *(ROOT / ".ci").iterdir()}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _MACHINE.search(line) or (_INDEX.search(line) and path.name != "lock")
    ]
    assert found == []


def test_decisions_are_numbered_without_a_gap_and_have_four_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [path.name[:4] for path in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.name[:4]} "), path.name
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**Looked at instead.**"):
            assert text.count(part) == 1, (path.name, part)


def test_the_changes_begin_with_a_verb_in_its_plain_form() -> None:
    text = page("CHANGELOG.md")
    assert "## [Unreleased]" in text
    for entry in re.findall(r"^- (\S+)", text, re.MULTILINE):
        assert re.fullmatch(r"[A-Z][a-z]+", entry), entry
        assert not entry.endswith(("ed", "ing")), entry


def test_the_flow_names_every_step_and_the_glossary_every_word_once() -> None:
    steps = [
        bare(row[0]) for row in rows(page("docs/flow.md"), "| step | reads | decides | writes | cursor | may stop |")
    ]
    sequence = (ROOT / "worker" / "steps" / "sequence.py").read_text(encoding="utf-8")
    assert steps == re.findall(r'^    "(\w+)": \1,$', sequence, re.MULTILINE)
    words = [row[0] for row in rows(page("docs/glossary.md"), "| word | meaning |")]
    assert sorted(words) == sorted(set(words))
