"""Have nbval compare a cell's pictures with those saved in the notebook, pixel by pixel.

By itself it compares what a cell says. A thinner line or a label elsewhere is seen by a learner,
and by no test of numbers.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image

from helpers.authoring.course import ROOT

#: Levels, of 255, by which a pixel may differ, and pixels that may differ by more: another
#: processor rounds the last digit of a number in another way.
LEVELS, PIXELS = 24, 40


def drawn_as_saved() -> bool:
    """Whether those who draw are of the versions with which notebooks are saved."""
    lock = (ROOT / "tests" / "requirements.lock").read_text(encoding="utf-8")
    return all(f"\n{one}=={version(one)} " in lock for one in ("matplotlib", "numpy", "pillow"))


def differences(saved: str, drawn: str) -> str:
    """Say how two PNG files, as notebooks hold them, differ; empty if they look the same."""
    first, second = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB"), int)
        for each in (saved, drawn)
    )
    if first.shape != second.shape:
        return f"it was {first.shape[1]} by {first.shape[0]} pixels, now {second.shape[:2][::-1]}"
    rows, columns = np.nonzero((abs(first - second) > LEVELS).any(axis=2))
    if len(rows) <= PIXELS:
        return ""
    return (
        f"{len(rows):,} pixels differ, in columns {columns.min()} to {columns.max()} and rows "
        f"{rows.min()} to {rows.max()}"
    )


def with_pictures(compare: Callable[..., bool]) -> Callable[..., bool]:
    """Return nbval's comparison of a cell's outputs that looks at pictures, too."""

    def compare_outputs(cell: Any, test: list, ref: list, skip_compare: Any = None) -> bool:
        if not compare(cell, test, ref, skip_compare):
            return False
        saved, drawn = _pictures(ref), _pictures(test)
        if len(saved) == len(drawn):
            faults = list(filter(None, map(differences, saved, drawn)))
        else:
            faults = [f"{len(saved)} saved, {len(drawn)} drawn"]
        said = "a picture is not the one saved in the notebook (execute it again): "
        cell.comparison_traceback += [said + fault for fault in faults]
        return not faults

    return compare_outputs


def _pictures(outputs: list) -> list[str]:
    return [
        output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
