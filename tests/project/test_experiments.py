"""What holds of every experiment, whatever it is about: one file, parameters declared once."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields
from functools import cache
from types import ModuleType

import pytest

from helpers.authoring.course import ROOT
from helpers.foundations.experiment import Parameters, Result, Takes, declarations, default_of
from tests.experiments import experiments, name_of, simulates

each = pytest.mark.parametrize("experiment", experiments(), ids=name_of)
each_simulated = pytest.mark.parametrize(
    "experiment", [one for one in experiments() if simulates(one)], ids=name_of
)

#: Lines of a file that is read in one sitting, and those that are longer as yet.
SITTING = 400
LONGER = {"failure.storm", "why.books", "why.traffic"}


def test_there_are_experiments() -> None:
    assert len(experiments()) >= 2


@each
def test_it_says_what_it_shows_and_draws_it(experiment: ModuleType) -> None:
    assert len((experiment.__doc__ or "").strip().splitlines()) >= 3, (
        "what it shows, and its limits"
    )
    if simulates(experiment):
        assert callable(experiment.plot)


@each
def test_it_is_read_in_one_sitting(experiment: ModuleType) -> None:
    lines = inspect.getsource(experiment).count("\n")
    assert lines <= SITTING or name_of(experiment) in LONGER, (
        f"{lines} lines: what has its own subject stands in a file of its own"
    )


@each
def test_somebody_tests_it(experiment: ModuleType) -> None:
    chapter, _, name = name_of(experiment).rpartition(".")
    folder = ROOT / "tests" / chapter.replace(".", "/")
    about_words = ("test_prose.py", "test_questions.py")
    tests = [path for path in folder.glob("test_*.py") if path.name not in about_words]
    assert any(_imports(path.read_text(encoding="utf-8"), chapter, name) for path in tests), (
        f"no test imports it: write tests/{folder.name}/test_{name}.py"
    )


def _imports(source: str, chapter: str, name: str) -> bool:
    """Whether a source text imports a module of a chapter, or something from it."""
    package = f"helpers.{chapter}"
    return any(
        node.module == f"{package}.{name}"
        or (node.module == package and name in [alias.name for alias in node.names])
        for node in _imports_of(source)
    )


@cache
def _imports_of(source: str) -> list[ast.ImportFrom]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]


@each
def test_every_parameter_has_words_and_a_default_that_fits(experiment: ModuleType) -> None:
    for setting in _settings(experiment):
        for name, declared in declarations(setting).items():
            assert declared.words, f"{name} has no words for a learner"
            default = default_of(setting, name)
            assert declared.check(name, default) == default


@each
def test_every_number_out_of_range_is_refused_by_name(experiment: ModuleType) -> None:
    for setting in _settings(experiment):
        for name, declared in declarations(setting).items():
            for end, limit in declared.limits.items():
                beyond = {"above": 0, "at_least": -1, "below": 0, "at_most": 1}[end]
                wrong = type(limit)(limit + beyond)
                said = re.escape(f"{limit:g}")
                with pytest.raises(ValueError, match=rf"^{name}\b.* must be .*{said}.*got"):
                    declared.check(name, [wrong] if "sequence" in declared.kind else wrong)
            if declared.kind in ("float", "int", "str", "bool"):
                wrong = 1 if declared.kind == "str" else "much"
                with pytest.raises(TypeError, match=rf"^{name} must be .*got"):
                    declared.check(name, wrong)


@each
def test_no_result_repeats_a_parameter(experiment: ModuleType) -> None:
    for result in _results(experiment):
        own = {one.name for one in fields(result)}
        setting = inspect.get_annotations(result, eval_str=True).get("at")
        assert setting is not None, f"{result.__name__} has no `at`"
        assert not own & set(declarations(setting)), result.__name__


@each
def test_no_simulation_knows_the_theory(experiment: ModuleType) -> None:
    called = _reached(ast.parse(inspect.getsource(experiment)), {"simulate", "measure"})
    assert not {name for name in called if name == "theory" or name.endswith("_theory")}


@each_simulated
def test_seeds_and_only_seeds_decide(experiment: ModuleType) -> None:
    first, again = _last(experiment.simulate()), _last(experiment.simulate())
    assert first.summary == again.summary
    assert first.reading == again.reading
    assert first.table().equals(again.table())
    assert first.reading[0].isupper() or first.reading[0].isdigit()
    assert first.reading.rstrip().endswith((".", "!", "?"))


def _settings(experiment: ModuleType) -> list[type[Parameters]]:
    takers = [one for one in vars(experiment).values() if isinstance(one, Takes)]
    return list(dict.fromkeys(one.setting for one in takers))


def _results(experiment: ModuleType) -> list[type[Result]]:
    return [
        one
        for one in vars(experiment).values()
        if inspect.isclass(one)
        and issubclass(one, Result)
        and one.__module__ == experiment.__name__
    ]


def _last(outcome: object) -> Result:
    if isinstance(outcome, Result):
        return outcome
    *_, last = outcome  # type: ignore[misc]
    return last


def _reached(tree: ast.Module, roots: set[str]) -> set[str]:
    """Names that functions of a file call, themselves and through other functions of the file."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    called: set[str] = set()
    ahead = [name for name in roots if name in functions]
    while ahead:
        for node in ast.walk(functions[ahead.pop()]):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name not in called and name in functions:
                    ahead.append(name)
                called.add(name)
    return called
