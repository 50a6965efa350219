"""The ledger of claims is complete: each has its cell, its verdict, and evidence that exists."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.authoring import bibliography, claims, course, evidence
from helpers.authoring.__main__ import main
from helpers.authoring.check import STATUSES, markdown_of, read
from helpers.authoring.claims import Claim, Verdict, problems_of
from helpers.authoring.course import CHAPTERS, ROOT
from tests.project.test_navigation import other_forms

WRITTEN = [claim for claim in claims.claims() if claim.chapter.written]


def test_the_ledger_is_complete_and_its_page_up_to_date() -> None:
    assert claims.outdated() == [], "run: python -m helpers.authoring claims"


def test_every_claim_of_the_course_is_listed_once() -> None:
    assert [claim.number for claim in claims.claims()] == list(range(1, 96))
    assert all(claim.says.endswith((".", "?")) for claim in claims.claims())
    assert max(len(claim.says.split()) for claim in claims.claims()) <= 20, "a few words"
    assert len({claim.says for claim in claims.claims()}) == 95


@pytest.mark.parametrize("claim", WRITTEN, ids=lambda claim: f"C{claim.number}")
def test_a_verdict_rests_on_what_is_there(claim: Claim) -> None:
    assert list(problems_of(claim)) == []
    verdict = claims.verdicts(claim.chapter)[claim.number]
    assert verdict.status in STATUSES
    behind = claim.evidence
    assert set(behind) == set(verdict.kinds)
    assert all(behind.values())


def test_the_page_counts_what_it_shows() -> None:
    text = claims.PAGE.read_text(encoding="utf-8")
    shown = Counter(re.findall(r"\| \*\*(confirmed|qualified|corrected)\.\*\* ", text))
    assert shown.total() == len(WRITTEN)
    for status in STATUSES:
        assert f"{shown[status]} {status}" in text
    waiting = len(re.findall(r"\| not written yet \|", text))
    assert waiting == 95 - len(WRITTEN)
    assert (f"{waiting} wait for chapters" in text) == (waiting > 0)
    assert len(re.findall(r"^\| \[?C\d+", text, re.MULTILINE)) == 95


@pytest.mark.parametrize("claim", WRITTEN, ids=lambda claim: f"C{claim.number}")
def test_every_number_of_an_entry_is_the_chapters(claim: Claim) -> None:
    """The ledger's own words hold no number but those of the claim in the chapter."""
    text = markdown_of(claim.chapter.notebook)
    stated = re.search(rf"^> \*\*Claim C{claim.number}\.\*\* (.*)$", text, re.MULTILINE)
    assert stated is not None
    for number in re.findall(r"\d[\d,]*", claim.says):
        assert number in stated[1], f"{number} is not in {stated[1]!r}"


def test_its_words_are_in_the_courses_form() -> None:
    said = [claim.says for claim in claims.claims()]
    said += [f"{one['says']} {one.get('missing', '')}" for one in claims.besides()]
    assert other_forms("\n".join(said)) == []


# --- what must be found ---------------------------------------------------------------------------


def entry(number: int) -> Claim:
    return claims.claims()[number - 1]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"theory": ()}, "C13: qualified by theory, but there is no theory in claims.toml"),
        (
            {"theory": ("tests/scaling/test_knee.py::test_that_nobody_wrote",)},
            "C13: there is no tests/scaling/test_knee.py::test_that_nobody_wrote",
        ),
        (
            {"measurement": ("tests/scaling/test_gone.py::test_loopback_queue",)},
            "C13: there is no tests/scaling/test_gone.py::test_loopback_queue",
        ),
        (
            {"source": ("kleinrock1975",)},
            "C13: claims.toml names a source, the chapter does not",
        ),
    ],
)
def test_a_verdict_without_evidence_is_found(
    change: dict[str, tuple[str, ...]], problem: str
) -> None:
    claim = entry(13)
    assert problem in list(problems_of(replace(claim, chosen={**claim.chosen, **change})))


def test_a_source_that_is_not_there_is_found() -> None:
    claim = entry(18)
    for gone in ("nobody1900", "helpers/scaling/gone.py", "https://example.org/gone"):
        changed = replace(claim, chosen={**claim.chosen, "source": (gone,)})
        assert list(problems_of(changed)) == [f"C18: there is no {gone}"]


def test_a_claim_without_verdict_or_cell_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "verdicts", lambda chapter: {})
    assert list(problems_of(entry(13))) == ["C13: 02_thinking_at_scale gives no verdict"]
    monkeypatch.setattr(claims, "verdicts", lambda chapter: {13: Verdict("doubted", (), "")})
    assert list(problems_of(entry(13))) == ["C13: 02_thinking_at_scale gives no verdict"]
    monkeypatch.setattr(claims, "ANCHOR", re.compile(r'<a id="D(\d+)">'))
    assert "C13: no cell of 02_thinking_at_scale states it" in list(problems_of(entry(13)))


def test_an_unlisted_claim_and_an_old_page_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    some = tuple(claim for claim in claims.claims() if claim.number != 4)
    monkeypatch.setattr(claims, "claims", lambda: some)
    monkeypatch.setattr(claims, "PAGE", tmp_path / "claims.md")
    monkeypatch.setattr("helpers.authoring.__main__.ROOT", tmp_path)
    monkeypatch.setattr(claims, "besides", lambda: [{"says": "So.", "where": "glossary.ipynb#no"}])
    assert claims.outdated() == [
        "claims.toml does not hold the claims of the list of chapters, once each",
        "besides: there is no glossary.ipynb#no",
        "claims.md: run python -m helpers.authoring claims",
    ]
    assert main(["claims", "--check"]) == 1
    assert main(["claims"]) == 0
    assert "claims.md" in capsys.readouterr().out


def test_a_chapter_that_is_not_written_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(CHAPTERS[2], written=False)
    monkeypatch.setattr(claims, "CHAPTERS", (*CHAPTERS[:2], later))
    monkeypatch.setattr(claims, "claims", lambda: (entry_9, entry_13))
    entry_9, entry_13 = claims_of(9), claims_of(13)
    text = claims.page()
    assert "| C13 | There are loads at which behaviour changes abruptly. | not written yet" in text
    assert "[C9](../notebooks/01_why_system_design.ipynb#C9)" in text


def claims_of(number: int) -> Claim:
    return next(one for one in WRITTEN if one.number == number)


def test_evidence_that_nobody_chose_is_found_by_what_the_section_shows() -> None:
    chapter = course.CHAPTERS[2]
    found = replace(entry(13), chosen={}).evidence
    assert set(found) == {"simulation", "theory", "measurement"}
    assert "tests/scaling/test_real_knee.py::test_loopback_queue" in found["measurement"]
    assert all(1 <= len(tests) <= evidence.MOST for tests in found.values())
    assert evidence.found(58, course.CHAPTERS[6], "source") == ("bronson2021", "huang2022")
    assert evidence.found(99, chapter, "theory") == ()
    assert list(problems_of(replace(entry(13), chosen={}))) == []


def test_what_is_left_out_is_said() -> None:
    text = claims.PAGE.read_text(encoding="utf-8")
    for one in claims.besides():
        assert f"| {one['says']} | " in text
        assert one.get("missing", "nothing") in text
        assert set(one) <= {"says", "where", "missing"}


def test_works_behind_claims_are_in_the_bibliography() -> None:
    page = markdown_of(bibliography.PAGE)
    for claim in WRITTEN:
        for key in claim.evidence.get("source", ()):
            if "/" not in key:
                assert f'<a id="{key}">' in page


def test_the_page_is_reached_from_the_start() -> None:
    start = "".join(cell.source for cell in read(CHAPTERS[0].notebook).cells)
    assert "](../docs/claims.md)" in start
    assert (ROOT / "docs" / "claims.md").is_file()
