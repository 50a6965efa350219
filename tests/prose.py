"""Every number in a chapter's prose and answers, and how it is held.

A chapter has a file ``test_prose.py`` whose tests work its numbers out and find them in the text:

    PROSE = Prose("02", questions)

    def test_queues():
        PROSE.computed(f"$R \\ln 100 \\approx {math.log(100):.1f} R$")
        PROSE.given("500 requests in a second", why="the example sets it")
        PROSE.shown("below half of the curve", by=test_knee.test_requests_that_give_up)
        PROSE.sourced("up to 12.5 s", source="Nishtala")
        PROSE.universal("no load above 100 % can last", why="the queue grows without end")

    test_every_number_is_held = PROSE.completeness(globals())

How long a chapter takes is held for all of them in ``test_hours``. ``python -m tests.prose`` writes
all numbers to ``docs/numbers.md``: value, place, how it is held.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat

from helpers.authoring.course import ROOT
from helpers.authoring.glossary import unlinked

LEDGER = ROOT / "docs" / "numbers.md"

_SMALL = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_POWERS = "hundreds?|thousands?|millions?|billions?"
_LARGE = (
    "thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|"
    "(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-[a-z]+)?|"
    rf"{_POWERS}|dozens?|half|halves|twice|thrice|thirds|quarters?|fifths?|sixths?|sevenths?|"
    r"eighths?|ninths?|tenths?|twentieths?|hundredths?|thousandths?|millionths?|\w+fold|"
    r"doubl\w+|tripl\w+|halv\w+"
)
#: Small numbers in words count what stands beside them ("three changes to try"); those that could
#: be wrong multiply or divide.
_NUMBER = re.compile(
    r"(?:(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![A-Za-z\d.,])\d+(?:\.\d+)?|"
    rf"\b(?:{_LARGE})\b|\b(?:{_SMALL})(?= times| in | of | per cent| (?:{_POWERS})\b)|"
    rf"(?<=in )(?:{_SMALL})\b|(?<=factor of )(?:{_SMALL})\b)(?: (?:{_POWERS})\b)*",
    re.IGNORECASE,
)
#: What holds no number that could be wrong, or none that this ledger is about: code, addresses,
#: titles' own numbers, claims' and chapters' names, years, links at both ends, formulas' digits.
_NO_NUMBERS = re.compile(
    r"```.*?```|<table>.*?</table>|`[^`\n]*`|^[^\n]*\[Contents\]\([^\n]*$|"
    r"\[\d\d(?:[ ,][^\]]*)?\](?:\([^)]*\))?|"
    r"\]\([^)]*\)|<[^>]*>|^#+ \d+[. ]|^\s*\d+\. |\bC\d+\b|\b[Ll]ab \d\d\b|"
    r"\b[Cc]hapters? \d+(?:(?:, | and | to )\d+)*|"
    r"\b[Ss]ections? \d+(?:(?:, | and | to )\d+)*|\b(?:19\d|20[0-2])\d\b|\bhalf-way\b|\bM/[MG]/\d|"
    r"^\*\*Next:\*\* \d\d\b|\*\*\d\d [A-Z][^*\n]*\*\*",
    re.DOTALL | re.MULTILINE,
)
_FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$", re.DOTALL)
_DIGIT = re.compile(r"(?<![\d.,])\d(?![\d.,]\d|\d)")


def spelled(number: int) -> str:
    """A number from 0 to 20 as the prose spells it.

    Examples
    --------
    >>> spelled(19)
    'nineteen'
    """
    teens = "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
    return ["none", "one", *_SMALL.split("|"), *teens.split()][number]


def _blank(match: re.Match[str]) -> str:
    return "\0" * len(match.group())


@dataclass(frozen=True)
class Number:
    """A number, or a word that is one, in a Markdown cell or in the answer to a question."""

    cell: int | str
    start: int
    value: str
    place: str
    around: str


class Prose:
    """A chapter's Markdown, and how each number in it is held.

    Parameters
    ----------
    chapter : str
        Its two digits.
    questions : module, optional
        Its questions; the reasons that follow an answer belong to the prose.
    """

    def __init__(self, chapter: str, questions: ModuleType | None = None) -> None:
        (self.path,) = (ROOT / "notebooks").glob(f"{chapter}_*.ipynb")
        cells = nbformat.read(self.path, as_version=4).cells
        self.texts: dict[int | str, str] = {
            at: unlinked(cell.source) for at, cell in enumerate(cells) if cell.cell_type != "code"
        }
        self.printed = "".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "")
            for cell in cells
            for output in cell.get("outputs", ())
        )
        self.code = [cell.source for cell in cells if cell.cell_type == "code"]
        for name, prediction in getattr(questions, "PREDICTIONS", {}).items():
            self.texts[f"answer to {name}"] = prediction.why
        for name, quiz in getattr(questions, "QUIZZES", {}).items():
            self.texts[f"answers to {name}"] = "\n".join(quiz.options.values())
        self.numbers = [number for at in self.texts for number in self._in(at)]
        self._held: dict[tuple[int | str, int], str] = {}
        self._universal: dict[str, tuple[str, str]] = {}

    def computed(self, *texts: str) -> None:
        """Hold what the calling test has just worked out; it must stand in the prose."""
        caller = sys._getframe(1).f_code.co_name
        for text in texts:
            self._hold(text, f"computed in {caller.removeprefix('test_').replace('_', ' ')}")

    def shown(self, *texts: str, by: Callable[..., None]) -> None:
        """Hold what another test works out and asserts: a changed model, a measurement's plan."""
        name = by.__name__.removeprefix("test_").replace("_", " ")
        for text in texts:
            self._hold(text, f"tested in {by.__module__.rpartition('.')[2]}: {name}")

    def given(self, *texts: str, why: str) -> None:
        """Hold what the page itself sets: an example's numbers, a name, a count of things."""
        assert why, "say why nobody needs to compute it"
        for text in texts:
            self._hold(text, f"given: {why}")

    def sourced(self, *texts: str, source: str) -> None:
        """Hold what somebody else found; `source` must stand in the same cell."""
        for text in texts:
            for cell in self._hold(text, f"sourced: {source}"):
                assert source in self.texts[cell], f"{source!r} does not stand beside {text!r}"

    def universal(self, text: str, *, why: str) -> None:
        """Record why a sentence may say all, always, never, exactly, any, every, no or only."""
        at = min(self._places(text), key=str)[0]
        self._universal[text] = (self._heading(at), why)

    def cells_with(self, text: str) -> str:
        """The number of code cells that hold a text, as the prose spells it."""
        return spelled(sum(text in source for source in self.code))

    def free(self) -> list[Number]:
        """The numbers that nobody holds."""
        return [one for one in self.numbers if (one.cell, one.start) not in self._held]

    def hold_all(self, tests: Mapping[str, Any]) -> None:
        """Run a module's tests that hold this prose's numbers; they take no arguments."""
        self._held.clear()
        self._universal.clear()
        if stated := re.search(r"\*\*Time:\*\*[^\n]*", str(self.texts.get(0, ""))):
            self._hold(stated[0], "tested for all pages in test_hours")
        for name, test in tests.items():
            own = inspect.isfunction(test) and test.__module__ == tests["__name__"]
            if own and name.startswith("test_") and not inspect.signature(test).parameters:
                test()

    def completeness(self, tests: Mapping[str, Any]) -> Callable[[], None]:
        """Return a test that no number is left, and that the ledger in ``docs`` is up to date."""

        def test_every_number_is_held() -> None:
            self.hold_all(tests)
            free = [f"{one.place}: {one.around}" for one in self.free()]
            assert free == [], f"{len(free)} numbers that nobody holds"
            told = "run: python -m tests.prose"
            assert self.ledger() in LEDGER.read_text(encoding="utf-8"), told

        return test_every_number_is_held

    def ledger(self) -> str:
        """This chapter's part of ``docs/numbers.md``."""
        lines = [f"## {self.path.stem[:2]} {self.path.stem[3:].replace('_', ' ').capitalize()}", ""]
        how = Counter(one.partition(" ")[0].rstrip(":") for one in self._held.values())
        kinds = ", ".join(f"{many} {kind}" for kind, many in how.most_common())
        lines += [f"{len(self.numbers)} numbers: {kinds}.", ""]
        lines += ["| number | where | in the words | held |", "|---|---|---|---|"]
        for one in self.numbers:
            held = self._held.get((one.cell, one.start), "not held")
            row = (one.value, one.place, one.around, held)
            lines.append("| " + " | ".join(part.replace("|", "\\|") for part in row) + " |")
        if self._universal:
            lines += ["", "| for all of them | where | true because |", "|---|---|---|"]
            for text, (place, why) in self._universal.items():
                cells = (text.replace("\n", " "), place, why)
                lines.append("| " + " | ".join(part.replace("|", "\\|") for part in cells) + " |")
        return "\n".join(lines) + "\n"

    def _places(self, text: str) -> set[tuple[int | str, int]]:
        """Cell and position of each place where a text stands."""
        found = {(at, m.start()) for at, t in self.texts.items()
                 for m in re.finditer(re.escape(text), t)}  # fmt: skip
        assert found, f"{self.path.name} and its answers do not say {text!r}"
        return found

    def _hold(self, text: str, how: str) -> set[int | str]:
        found = self._places(text)
        inside = [
            number
            for number in self.numbers
            for at, start in found
            if number.cell == at and start <= number.start < start + len(text)
        ]
        for number in inside:
            self._held.setdefault((number.cell, number.start), how)
        return {at for at, _ in found}

    def _in(self, at: int | str) -> Iterator[Number]:
        text = self.texts[at]
        masked = _NO_NUMBERS.sub(_blank, text)
        masked = _FORMULA.sub(lambda match: _DIGIT.sub(_blank, match.group()), masked)
        for match in _NUMBER.finditer(masked):
            start, end = match.span()
            around = text[max(0, start - 40) : end + 40].replace("\n", " ")
            around = (
                around[around.find(" ") + 1 : around.rfind(" ")] if len(around) > 60 else around
            )
            yield Number(at, start, match.group(), self._heading(at), around.strip())

    def _heading(self, at: int | str) -> str:
        if isinstance(at, str):
            return at
        for cell in range(at, -1, -1):
            if titles := re.findall(r"^#+ (.*?)\s*(?:<a.*)?$", self.texts.get(cell, ""), re.M):
                return str(titles[-1])
        return ""


def main() -> int:
    """Write ``docs/numbers.md``, and say which numbers nobody holds."""
    parts = [
        "# Numbers in the prose",
        "",
        "Every number that a chapter's text says, where it stands, and how it is held: worked out "
        "by a test\nthat then looks for it in the text, given by the page itself, or taken from a "
        "source that stands\nbeside it. Below them, what the chapter says of *all* cases or of "
        "none, and why it may.\n`python -m tests.prose` makes this page, and the tests compare.",
        "",
    ]
    missing, chapters = 0, {}
    for path in sorted(Path(ROOT / "tests").glob("*/test_prose.py")):
        module = importlib.import_module(f"tests.{path.parent.name}.test_prose")
        if prose := getattr(module, "PROSE", None):
            prose.hold_all(vars(module))
            for one in prose.free():
                missing += 1
                print(f"{prose.path.stem[:2]} cell {one.cell}: {one.value!r} in {one.around!r}")
            chapters[prose.path.stem] = prose.ledger()
    parts += [chapters[name] for name in sorted(chapters)]
    LEDGER.write_text("\n".join(parts), encoding="utf-8")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
