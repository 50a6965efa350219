"""The one list of the course's chapters: what exists, what it teaches, what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Chapter:
    """One section of the course.

    Attributes
    ----------
    number : int
        0 to 11; also the start of the file's name.
    slug : str
        The rest of the notebook's name.
    title : str
        As the learner reads it.
    claims : range
        Numbers of the claims that the chapter must judge.
    written : bool
        Whether ``notebooks/`` holds the chapter. Tests hold this list and the folder together.
    lab : str or None
        Name of the folder in ``solutions/`` and ``labs/``, if the chapter has its lab.
    """

    number: int
    slug: str
    title: str
    claims: range
    written: bool = False
    lab: str | None = None

    @property
    def name(self) -> str:
        """Name of the notebook without its ending."""
        return f"{self.number:02d}_{self.slug}"

    @property
    def notebook(self) -> Path:
        """Where the notebook is, or will be."""
        return ROOT / "notebooks" / f"{self.name}.ipynb"

    @property
    def solution(self) -> Path | None:
        """Where the lab's one source is, if the chapter has a lab."""
        return ROOT / "solutions" / self.lab / f"{self.lab}.ipynb" if self.lab else None


def _claims(first: int, last: int) -> range:
    return range(first, last + 1)


CHAPTERS = (
    Chapter(0, "start_here", "Start here", range(0), written=True),
    Chapter(
        1,
        "why_system_design",
        "Why system design?",
        _claims(1, 9),
        written=True,
        lab="lab01_why_system_design",
    ),
    Chapter(
        2,
        "thinking_at_scale",
        "Thinking at scale",
        _claims(10, 21),
        written=True,
        lab="lab02_thinking_at_scale",
    ),
    Chapter(
        3,
        "tradeoffs_everywhere",
        "Trade-offs everywhere",
        _claims(22, 29),
        written=True,
        lab="lab03_tradeoffs_everywhere",
    ),
    Chapter(
        4,
        "the_anatomy_of_a_system",
        "The anatomy of a system",
        _claims(30, 42),
        written=True,
        lab="lab04_the_anatomy_of_a_system",
    ),
    Chapter(
        5,
        "how_to_approach_design",
        "How to approach design",
        _claims(43, 50),
        written=True,
        lab="lab05_how_to_approach_design",
    ),
    Chapter(
        6,
        "designing_for_failure",
        "Designing for failure",
        _claims(51, 63),
        written=True,
        lab="lab06_designing_for_failure",
    ),
    Chapter(
        7,
        "consistency_models",
        "Consistency models",
        _claims(64, 71),
        written=True,
        lab="lab07_consistency_models",
    ),
    Chapter(
        8,
        "partitioning_and_sharding",
        "Data partitioning and sharding",
        _claims(72, 76),
        written=True,
        lab="lab08_partitioning_and_sharding",
    ),
    Chapter(
        9,
        "caching_strategies",
        "Caching strategies",
        _claims(77, 83),
        written=True,
        lab="lab09_caching_strategies",
    ),
    Chapter(
        10,
        "asynchronous_processing",
        "Asynchronous processing",
        _claims(84, 91),
        written=True,
        lab="lab10_asynchronous_processing",
    ),
    Chapter(
        11,
        "its_a_journey",
        "It's a journey",
        _claims(92, 95),
        written=True,
        lab="lab11_its_a_journey",
    ),
)


def notebooks() -> list[Path]:
    """Paths of the chapters that are written, whether or not the files are there."""
    return [chapter.notebook for chapter in CHAPTERS if chapter.written]


def labs() -> list[str]:
    """Names of the labs that are written, whether or not the files are there."""
    return [chapter.lab for chapter in CHAPTERS if chapter.written and chapter.lab]


def chapter_of(path: Path) -> Chapter | None:
    """The chapter that a notebook's path names, or None."""
    return next((chapter for chapter in CHAPTERS if chapter.name == Path(path).stem), None)
