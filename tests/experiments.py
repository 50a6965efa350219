"""Find every experiment of every chapter, so that no list is kept by hand."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from functools import cache
from types import ModuleType

import helpers
from helpers.authoring.course import ROOT
from helpers.foundations.experiment import Takes

#: Folders of helpers that are no chapters.
_ROOMS = ("authoring", "blueprint", "explore", "foundations", "grading")


@cache
def experiments() -> tuple[ModuleType, ...]:
    """Every module of a chapter that simulates, or measures, at a declared setting."""
    chapters = [
        f"helpers.{package.name}."
        for package in pkgutil.iter_modules(helpers.__path__)
        if package.ispkg and package.name not in _ROOMS
    ]
    found = []
    for chapter in chapters:
        folder = ROOT / chapter.replace(".", "/")
        for module in pkgutil.walk_packages([str(folder)], chapter):
            if not module.ispkg:
                loaded = importlib.import_module(module.name)
                if simulates(loaded) or isinstance(getattr(loaded, "measure", None), Takes):
                    found.append(loaded)
    return tuple(found)


def simulates(module: ModuleType) -> bool:
    """Whether a module simulates at a declared setting; some only measure."""
    return isinstance(getattr(module, "simulate", None), Takes)


def files_of(experiment: ModuleType) -> tuple[ModuleType, ...]:
    """An experiment, and those files of its chapter that it stands on, itself or through others."""
    chapter = experiment.__name__.rpartition(".")[0] + "."
    found = [experiment]
    for module in found:  # it grows meanwhile
        for value in vars(module).values():
            name = getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", "")
            if str(name).startswith(chapter) and sys.modules[name] not in found:
                found.append(sys.modules[name])
    return tuple(found)


def name_of(experiment: ModuleType) -> str:
    """The experiment's name, as in ``caching.staleness``."""
    return experiment.__name__.removeprefix("helpers.")
