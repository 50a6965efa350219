"""The ledger of claims: what the course set out to judge, what it found, and what that rests on.

A chapter states a claim, tries it and gives a verdict with its kinds of evidence. What stands
behind each kind, tests by name or sources, is kept in ``claims.toml``. This file joins the two into
``docs/claims.md``: ``python -m helpers.authoring claims``. No number is written here: those in a
verdict are the chapter's, where the tests hold them, and the counts are counted.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from helpers.authoring import bibliography, evidence
from helpers.authoring.check import (
    ANCHOR,
    EVIDENCE,
    STATUSES,
    VERDICT,
    links_and_ids,
    markdown_cells,
    read,
)
from helpers.authoring.course import CHAPTERS, ROOT, Chapter
from helpers.authoring.glossary import unlinked
from helpers.authoring.navigation import label

LEDGER = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs" / "claims.md"

_HEAD = """# Claims

What people say of systems, {total} sentences of it, and what became of each when it was tried.
{found}
Three verdicts are possible: *confirmed*, *qualified* (true under conditions, which the chapter
names) and *corrected* (not true as it is usually said).

A claim leads to the cell that states it. Its verdict is the chapter's, word for word, and so are
its numbers: a test works each of them out, and [the list of numbers](numbers.md) says which.
Evidence names the tests that hold the simulation, the theory and the measurement, and the
[sources](../notebooks/bibliography.ipynb). `python -m helpers.authoring claims` makes this page; a
test fails if a claim of a written chapter has no cell, no verdict, or a verdict without evidence.
"""
_BESIDES = """
## What else the introduction says

Not everything that an introduction to system design says is a claim that can be tried. What is left
out, and why:

| what is said | where the course comes nearest | what is left out |
|---|---|---|
"""


@dataclass(frozen=True)
class Verdict:
    """What a chapter found.

    Attributes
    ----------
    status : str
        One of :data:`STATUSES`.
    kinds : tuple of str
        The kinds of evidence that the chapter names.
    words : str
        The sentence that says why, in Markdown.
    """

    status: str
    kinds: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Claim:
    """One entry.

    Attributes
    ----------
    number : int
    says : str
        The claim in a few words.
    chosen : dict of str to tuple of str
        Evidence by kind: tests as ``path::name``; sources as keys of the bibliography, as files,
        or as addresses that the chapter gives.
    """

    number: int
    says: str
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def evidence(self) -> Mapping[str, tuple[str, ...]]:
        """What is chosen; if nothing is, what is found."""
        verdict = verdicts(self.chapter).get(self.number) if self.chapter.written else None
        if self.chosen or verdict is None:
            return self.chosen
        return {kind: evidence.found(self.number, self.chapter, kind) for kind in verdict.kinds}

    @property
    def chapter(self) -> Chapter:
        """The chapter that must judge it."""
        return next(chapter for chapter in CHAPTERS if self.number in chapter.claims)


@cache
def claims() -> tuple[Claim, ...]:
    """Return the ledger's claims in the order of their numbers."""
    table = tomllib.loads(LEDGER.read_text(encoding="utf-8"))
    found = []
    for key, about in table.items():
        if key != "besides":
            chosen = {kind: tuple(about[kind]) for kind in EVIDENCE if kind in about}
            found.append(Claim(int(key.removeprefix("C")), about["says"], chosen))
    return tuple(sorted(found, key=lambda claim: claim.number))


def besides() -> list[dict[str, str]]:
    """Return what the introduction says besides: ``says``, ``where`` and perhaps ``missing``."""
    return list(tomllib.loads(LEDGER.read_text(encoding="utf-8"))["besides"])


@cache
def verdicts(chapter: Chapter) -> Mapping[int, Verdict]:
    """Return the verdicts that a written chapter gives."""
    found = {}
    for _, cell in markdown_cells(read(chapter.notebook)):
        for number, status, kinds, words in VERDICT.findall(unlinked(cell.source)):
            named = tuple(kind for kind in re.findall(r"[a-z]+", kinds) if kind in EVIDENCE)
            found[int(number)] = Verdict(status, named, words)
    return found


def problems_of(claim: Claim) -> Iterator[str]:
    """Say what is missing or wrong with a claim of a written chapter."""
    name, chapter = f"C{claim.number}", claim.chapter
    text = "\n".join(cell.source for _, cell in markdown_cells(read(chapter.notebook)))
    if str(claim.number) not in ANCHOR.findall(text):
        yield f"{name}: no cell of {chapter.name} states it"
    verdict = verdicts(chapter).get(claim.number)
    if verdict is None or verdict.status not in STATUSES:
        yield f"{name}: {chapter.name} gives no verdict"
        return
    behind = claim.evidence
    for kind in verdict.kinds:
        if not behind.get(kind):
            yield f"{name}: {verdict.status} by {kind}, but there is no {kind} in {LEDGER.name}"
    for kind in sorted(set(behind) - set(verdict.kinds)):
        yield f"{name}: {LEDGER.name} names a {kind}, the chapter does not"
    for kind, names in behind.items():
        for one in names:
            there = _is_source(one, text) if kind == "source" else _is_test(one)
            if not there:
                yield f"{name}: there is no {one}"


def page() -> str:
    """Return the ledger as Markdown."""
    judged = Counter(
        verdict.status
        for chapter in CHAPTERS
        if chapter.written
        for verdict in verdicts(chapter).values()
    )
    total, done = len(claims()), judged.total()
    counts = [f"{judged[status]} {status}" for status in STATUSES]
    said = f"{counts[0]}, {counts[1]} and {counts[2]}"
    rest = (
        f", and {total - done} wait for chapters that are not written yet" if total > done else ""
    )
    parts = [_HEAD.format(total=total, found=f"Of these, {said}{rest}.")]
    for chapter in CHAPTERS:
        if chapter.claims:
            parts.append(
                f"\n## {label(chapter)}\n\n| | claim | verdict | evidence |\n|---|---|---|---|"
            )
            parts += [_row(claim) for claim in claims() if claim.number in chapter.claims]
    parts.append(_BESIDES.rstrip("\n"))
    for one in besides():
        place = f"[{one['where'].replace('.ipynb', '')}](../notebooks/{one['where']})"
        parts.append(f"| {one['says']} | {place} | {one.get('missing', 'nothing')} |")
    return "\n".join(parts) + "\n"


def write() -> list[Path]:
    """Bring the page up to date; return it if it changed."""
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return []
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
    return [PAGE]


def outdated() -> list[str]:
    """Say what is missing or wrong in the ledger, and whether the page is old."""
    problems = [
        problem for claim in claims() if claim.chapter.written for problem in problems_of(claim)
    ]
    wanted = sorted(number for chapter in CHAPTERS for number in chapter.claims)
    if [claim.number for claim in claims()] != wanted:
        problems.append(
            f"{LEDGER.name} does not hold the claims of the list of chapters, once each"
        )
    for one in besides():
        file, _, part = one["where"].partition("#")
        text = "\n".join(cell.source for _, cell in markdown_cells(read(ROOT / "notebooks" / file)))
        if part not in links_and_ids(text)[1]:
            problems.append(f"besides: there is no {one['where']}")
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        problems.append(f"{PAGE.name}: run python -m helpers.authoring claims")
    return problems


def _row(claim: Claim) -> str:
    chapter, name = claim.chapter, f"C{claim.number}"
    if not chapter.written:
        return f"| {name} | {claim.says} | not written yet | |"
    verdict = verdicts(chapter).get(claim.number, Verdict("missing", (), ""))
    place = f"[{name}](../notebooks/{chapter.name}.ipynb#{name})"
    words = re.sub(r"\]\((?=\w+\.ipynb)", "](../notebooks/", verdict.words)
    found = f"**{verdict.status}.** {words}".replace("|", "\\|")
    behind = claim.evidence
    said = [
        f"{kind}: {', '.join(map(_linked, behind[kind]))}" for kind in EVIDENCE if behind.get(kind)
    ]
    return f"| {place} | {claim.says} | {found} | {'; '.join(said)} |"


def _linked(one: str) -> str:
    """A test, a work, a file or an address, as a link."""
    if one.startswith("https://"):
        return f"[{one.split('/')[2]}]({one})"
    path, _, name = one.partition("::")
    if name:
        return f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})"
    if "/" in one:
        return f"[{Path(one).name}](../{one})"
    work = bibliography.works()[one]
    return f"[{work.names[0]} {work.year}](../notebooks/bibliography.ipynb#{one})"


def _is_test(one: str) -> bool:
    path, _, name = one.partition("::")
    return name in _tests(path)


@cache
def _tests(path: str) -> frozenset[str]:
    """Names of the test functions of a file."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return frozenset(
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def _is_source(one: str, text: str) -> bool:
    if one.startswith("https://"):
        return one in text
    if "/" in one:
        return (ROOT / one).is_file()
    return one in bibliography.works()
