"""Every citation means a work that is listed once, and every listed work is cited."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.authoring import bibliography
from helpers.authoring.__main__ import main
from helpers.authoring.bibliography import BibliographyError, Citation, citations_in, works
from helpers.authoring.check import check_notebook, markdown_of
from helpers.authoring.course import CHAPTERS

HERE = Path(__file__)


def test_every_citation_is_listed_and_the_page_is_up_to_date() -> None:
    assert bibliography.outdated() == [], "mend bibliography.toml, or run: ... bibliography"


def test_no_link_of_the_page_is_dead() -> None:
    assert check_notebook(bibliography.PAGE) == []


def test_each_work_stands_on_the_page_once_with_who_cites_it() -> None:
    text = markdown_of(bibliography.PAGE)
    for key, work in works().items():
        assert text.count(f'<a id="{key}">') == 1
        chapters, modules = bibliography.cited_by(key)
        assert chapters or modules, f"nobody cites {key}"
        (line,) = [line for line in text.splitlines() if f'<a id="{key}">' in line]
        assert work.title in line
        assert str(work.year) in line
        for chapter in chapters:
            assert f"({chapter.name}.ipynb)" in line
    assert f"{len(works())} works" in text


def test_every_chapter_that_is_written_cites_something() -> None:
    citing = {one.place for one in bibliography.citations()}
    assert {
        chapter.notebook for chapter in CHAPTERS if chapter.written and chapter.claims
    } <= citing


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Little, *A Proof for the Queuing Formula*, Operations Research 9, 1961", ["little1961"]),
        ("leases close the hole (Nishtala et al. 2013).", ["nishtala2013"]),
        ("Fox and Brewer (1999) call the two *yield* and *harvest*", ["fox1999"]),
        ("Halfin and Whitt proved in 1981 what it is the limit of", ["halfin1981"]),
        ("Dean and Barroso, [The tail at scale](https://doi.org/10/2013), 2013", ["dean2013"]),
        ("Kleinrock, *Queueing Systems* vol. 1, 1975, and vol. 2, 1976", ["kleinrock1975",
                                                                         "kleinrock1976"]),
        ("Jon Bentley, *Programming Pearls*, on the back of the envelope", ["bentley1986"]),
        ("Jason Warner, GitHub blog, 30 October 2018", ["warner2018"]),
        ("On 21 October 2018 the network was cut. In 2012 a firm lost money.", []),
        ("`datetime.date(2026, 6, 1)`, 2,012 keys, 2012.5 s and 1999 ms-1", ["?"]),
        ("as Dijkstra (1965) says, and Dynamo grows", ["?"]),
    ],
)  # fmt: skip
def test_what_is_cited(text: str, keys: list[str]) -> None:
    found = [one.work.key if one.work else "?" for one in citations_in(HERE, text)]
    assert found == keys


def test_of_two_works_of_a_year_the_one_named_last_is_meant() -> None:
    text = "Brewer, *CAP*, and Abadi, *Consistency Tradeoffs*, both of 2012"
    assert [one.work.key for one in citations_in(HERE, text) if one.work] == ["abadi2012"]


def test_what_is_not_listed_not_cited_or_old_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bibliography.ROOT / "helpers" / "new.py"
    said = (
        Citation(place, 1965, "as Dijkstra (1965", None),
        *(one for one in bibliography.citations() if one.work != works()["little1961"]),
    )
    monkeypatch.setattr(bibliography, "citations", lambda: said)
    monkeypatch.setattr(bibliography, "PAGE", tmp_path / "bibliography.ipynb")
    monkeypatch.setattr("helpers.authoring.__main__.ROOT", tmp_path)
    assert bibliography.outdated() == [
        "helpers/new.py: no work of 1965 for 'as Dijkstra (1965'",
        "little1961: nobody cites it",
        "bibliography.ipynb: run python -m helpers.authoring bibliography",
    ]
    assert main(["bibliography", "--check"]) == 1
    assert main(["bibliography"]) == 0
    assert bibliography.write() == []


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ("[bee1901]\nyear = 1902", "a key ends with the year"),
        ("[bee1901]\nyear = 1901\n[dee1901]\nyear = 1901", "listed twice: on lines"),
    ],
)
def test_a_list_with_a_mistake_is_refused(
    entries: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = '\nauthors = "Ann Bee"\ntitle = "On lines"\nvenue = "Press"'
    path = tmp_path / "bibliography.toml"
    path.write_text("".join(f"{one}{rest}\n" for one in entries.replace("\n[", "|[").split("|")))
    monkeypatch.setattr(bibliography, "WORKS", path)
    with pytest.raises(BibliographyError, match=problem):
        works.__wrapped__()
