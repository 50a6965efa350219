"""Everything a learner sees of a chapter's explorers, as one fingerprint for each experiment."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from tests.checks import last_frame
from tests.experiments import files_of
from tests.explorers import corners, explorers_of


def fingerprint(notebook: Path, module: str) -> str:
    """Numbers, sentences, tables and pictures of the explorers that stand on a module."""
    seen = hashlib.sha256()
    for explorer in explorers_of(notebook):
        experiment = sys.modules[explorer.simulate.__module__]
        if module not in [file.__name__ for file in files_of(experiment)]:
            continue
        for setting in [{}, *corners(explorer)]:
            result = last_frame(explorer.simulate(**{**explorer.values, **setting}))
            explorer.canvas.draw((result,))
            for part in (result.summary, result.reading, result.table().to_csv()):
                seen.update(repr(part).encode())
            seen.update(explorer.canvas.moving_png())
        explorer.reset()
        seen.update(explorer.text().encode())
    return seen.hexdigest()


if __name__ == "__main__":
    print(fingerprint(Path(sys.argv[1]), sys.argv[2]))
