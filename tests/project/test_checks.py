"""The checks of notebooks, tried on a notebook that is good and on ones made bad on purpose."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.authoring import check
from helpers.authoring.course import Chapter
from helpers.authoring.execute import WIDGET_VIEW, normalise

CHAPTER = Chapter(2, "a_chapter", "A chapter", range(10, 12))


def good() -> NotebookNode:
    """A chapter with two claims in which nothing is wrong."""
    result = new_output(
        "execute_result", {"text/plain": "4", "image/png": "AAAA"}, execution_count=1
    )
    notebook = new_notebook(
        cells=[
            new_markdown_cell('## 1. Sums <a id="C10"></a>\n\n> **Claim C10.** Sums are sums.'),
            new_code_cell("2 + 2", execution_count=1, outputs=[result]),
            new_markdown_cell(
                "**Verdict on C10: confirmed.** Evidence: simulation, theory. They are."
            ),
            new_markdown_cell('## 2. Clocks <a id="C11"></a>\n\n> **Claim C11.** Clocks tick.'),
            new_code_cell(
                "measure_clock()",
                execution_count=2,
                metadata={"tags": ["nbval-ignore-output"]},
            ),
            new_markdown_cell("**Verdict on C11: qualified.** Evidence: measurement. Most do."),
        ]
    )
    normalise(notebook)
    return notebook


def findings(notebook: NotebookNode) -> list[str]:
    """What all checks of a chapter together find."""
    return [
        *check.check_rhythm(notebook),
        *check.check_code(notebook),
        *check.check_outputs(notebook),
        *check.check_said_once(notebook),
        *check.check_tags(notebook),
        *check.check_claims(notebook, CHAPTER),
    ]


def source(index: int, text: str) -> Callable[[NotebookNode], None]:
    """A fault: cell `index` holds `text`."""

    def plant(notebook: NotebookNode) -> None:
        notebook.cells[index].source = text

    return plant


def replaced(index: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    """A fault: `old` has become `new` in cell `index`."""

    def plant(notebook: NotebookNode) -> None:
        assert old in notebook.cells[index].source
        notebook.cells[index].source = notebook.cells[index].source.replace(old, new)

    return plant


def count(index: int, number: int | None) -> Callable[[NotebookNode], None]:
    """A fault: cell `index` has this execution count."""

    def plant(notebook: NotebookNode) -> None:
        notebook.cells[index].execution_count = number

    return plant


def output(index: int, **fields: object) -> Callable[[NotebookNode], None]:
    """A fault: cell `index` has this output."""

    def plant(notebook: NotebookNode) -> None:
        notebook.cells[index].outputs = [nbformat.from_dict(fields)]

    return plant


def tags(index: int, *names: str) -> Callable[[NotebookNode], None]:
    """A fault: cell `index` has these tags."""

    def plant(notebook: NotebookNode) -> None:
        notebook.cells[index].metadata["tags"] = list(names)

    return plant


def without(index: int) -> Callable[[NotebookNode], None]:
    """A fault: cell `index` is gone."""

    def plant(notebook: NotebookNode) -> None:
        del notebook.cells[index]

    return plant


SAID = "Two and two are four, in every one of the cases."
FAULTS = {
    "long-cell": (source(1, "\n".join(["x = 1"] * 21)), "21 lines of code"),
    "long-model": (
        lambda notebook: (
            source(1, "def one_queue():\n" + "    x = 1\n" * 34)(notebook),
            notebook.cells[1].metadata.update(model="helpers.scaling.knee:one_queue"),
        ),
        "one_queue has 35 lines",
    ),
    "long-cells": (source(1, "\n".join(["x = 1"] * 12)), "median code cell"),
    "no-sentence": (without(0), "no sentence before"),
    "empty-sentence": (source(0, " "), "no sentence before"),
    "empty-cell": (source(1, ""), "cell 1: empty"),
    "star": (source(1, "from helpers import *"), "import *"),
    "pip": (source(1, "!pip install x"), "installs a package"),
    "pip-magic": (source(1, "%pip install x"), "installs a package"),
    "shell": (source(1, "!ls"), "shell"),
    "bash": (source(1, "%%bash\nls"), "shell"),
    "download": (source(1, "urlopen(address)"), "download"),
    "address": (source(1, "open_page('https://example.org')"), "outside address"),
    "show": (source(1, "plt.show()"), "plt.show"),
    "not-run": (count(1, None), "without having been run"),
    "out-of-order": (count(4, 7), "execution count 7, not 2"),
    "error": (
        output(1, output_type="error", ename="ValueError", evalue="no", traceback=[]),
        "ValueError: no",
    ),
    "warning": (output(1, output_type="stream", name="stderr", text="careful"), "stderr"),
    "said-twice": (
        lambda notebook: (
            notebook.cells[1].outputs[0].data.update({"text/plain": f"{SAID} Verdict: so."}),
            output(4, output_type="stream", name="stdout", text=f"two: {SAID}\n")(notebook),
        ),
        "cell 4: prints what a picture says",
    ),
    "skipped": (tags(1, "nbval-skip"), "skipped"),
    "uncompared": (tags(1, "NBVAL_IGNORE_OUTPUT"), "nothing is measured"),
    "no-anchor": (replaced(0, 'id="C10"', 'id="c10"'), "C10: no anchor"),
    "no-claim": (replaced(0, "> **Claim C10.**", "Claim C10."), "C10: no claim"),
    "no-verdict": (source(2, "So it is."), "C10: no verdict"),
    "bad-status": (replaced(2, "confirmed", "proved"), "'proved'"),
    "no-evidence": (replaced(2, "Evidence: simulation, theory. ", ""), "is not a line"),
    "bad-evidence": (replaced(2, "theory", "hearsay"), "['hearsay']"),
    "verdict-inside-a-line": (replaced(2, "**Verdict", "So: **Verdict"), "is not a line"),
    "foreign-claim": (replaced(3, "C11", "C12"), "not this chapter's"),
    "twice": (replaced(3, "C11", "C10"), "2 times"),
    "judged-at-once": (
        lambda notebook: (
            notebook.cells[0].update(
                source=notebook.cells[0].source + "\n\n" + notebook.cells[2].source
            )
            or notebook.cells[2].update(source="Well.")
        ),
        "no experiment",
    ),
}


def test_a_good_notebook_passes() -> None:
    notebook = good()
    assert findings(notebook) == []
    assert check.check_form(normalise(notebook)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault: str) -> None:
    plant, found = FAULTS[fault]
    notebook = good()
    plant(notebook)
    assert found in "\n".join(findings(notebook))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda notebook: notebook.metadata.update(widgets={"state": {}}),
        lambda notebook: notebook.metadata.language_info.update(version="3.11.7"),
        lambda notebook: notebook.cells[1].metadata.update(execution={"iopub.status.busy": "now"}),
        lambda notebook: notebook.cells[1].outputs[0].data.update({WIDGET_VIEW: {"model_id": "1"}}),
    ],
    ids=["widgets", "version", "times", "widget-view"],
)
def test_a_file_out_of_form_is_found_and_mended(spoil: Callable[[NotebookNode], None]) -> None:
    notebook = good()
    spoil(notebook)
    text = nbformat.writes(notebook) + "\n"
    assert check.check_form(text)
    assert check.check_form(normalise(notebook)) == []


def test_links(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text('# A Heading\n\n<a id="C3"></a>\n')
    page = tmp_path / "page.md"
    page.write_text(
        "# Mine\n[a](other.md) [b](other.md#C3) [c](other.md#a-heading) [d](#Mine)\n"
        "[e](https://example.org/x) <img src='other.md'> `[not](a.link)`\n\n"
        "```\n[nor](this)\n```\n"
    )
    assert check.check_links(page, tmp_path) == []
    for bad, found in {
        "[a](gone.md)": "no such file",
        "![a](gone.png)": "no such file",
        "<a href='gone.md'>a</a>": "no such file",
        "[a](other.md#C4)": "no place called 'C4'",
        "[a](#yours)": "no place called 'yours'",
        "[a](/etc/hosts)": "absolute",
        "[a](../outside.md)": "no such file",
        "[a](file:///etc/hosts)": "unknown kind",
        "| a |\n|---|\n| [a](gone.md) |": "no such file",
    }.items():
        page.write_text(bad)
        assert found in "\n".join(check.check_links(page, tmp_path)), bad


LAB_FAULTS = {
    "name": (lambda cells: cells[1].metadata.nbgrader.update(grade_id="cell-1a2b"), "not lower"),
    "points": (lambda cells: cells[1].metadata.nbgrader.update(points=0), "no points"),
    "purpose": (lambda cells: cells[1].update(source="x = 1"), "docstring"),
    "visible": (
        lambda cells: cells[1].update(source=cells[1].source.replace("assert x", "x")),
        "no visible test",
    ),
    "hidden": (
        lambda cells: cells[1].update(source=cells[1].source.split("###")[0]),
        "no hidden test",
    ),
    "few": (lambda cells: cells.__delitem__(1), "4 autograded cells"),
    "memo": (lambda cells: cells.__delitem__(0), "0 manually graded"),
    "scheme": (lambda cells: cells[0].update(source="Memo."), "mark scheme"),
}


def good_lab() -> NotebookNode:
    """A lab with five tasks and a memo in which nothing is wrong."""
    test = '"""Sums add."""\nassert x\n### BEGIN HIDDEN TESTS\nassert y\n### END HIDDEN TESTS'
    about = {"grade": True, "solution": False, "points": 2}
    memo = new_markdown_cell("### BEGIN MARK SCHEME\nClear.\n### END MARK SCHEME")
    memo.metadata["nbgrader"] = {**about, "grade_id": "memo", "solution": True}
    tasks = [new_code_cell(test) for _ in range(5)]
    for task, name in zip(tasks, ("one", "two_2", "three", "four", "five_to_go"), strict=True):
        task.metadata["nbgrader"] = {**about, "grade_id": name}
    return nbformat.from_dict(copy.deepcopy(new_notebook(cells=[memo, *tasks])))


def test_a_good_lab_passes() -> None:
    assert check.check_lab(good_lab()) == []


@pytest.mark.parametrize("fault", LAB_FAULTS)
def test_a_fault_in_a_lab_is_found(fault: str) -> None:
    plant, found = LAB_FAULTS[fault]
    lab = good_lab()
    plant(lab.cells)
    assert found in "\n".join(check.check_lab(lab))
