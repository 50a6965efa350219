"""Inside the benchmark's kernel: the explorers that were made, and what they are compared with."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
from IPython.display import display

from helpers.explore import Explorer


class record:  # noqa: N801 - called like a function, once
    """Keep every explorer made from now on."""

    def __init__(self) -> None:
        self.explorers: list[Explorer] = []
        original = Explorer.__init__

        def recording(explorer: Explorer, *args: Any, **kwargs: Any) -> None:
            original(explorer, *args, **kwargs)
            self.explorers.append(explorer)

        Explorer.__init__ = recording  # type: ignore[method-assign]

    def names(self) -> list[str]:
        """Return each explorer's experiment, in words; numbered where several show the same."""
        modules = [explorer.simulate.__module__ for explorer in self.explorers]
        words = [module.rpartition(".")[2].replace("_", " ") for module in modules]
        before = [words[:place].count(word) for place, word in enumerate(words)]
        return [f"{word} {n + 1}" if n else word for word, n in zip(words, before, strict=True)]


def floor() -> None:
    """Show a slider that does nothing but change a label."""
    slider = widgets.FloatSlider(value=0.5, min=0, max=1, step=0.01)
    label = widgets.HTML("<p>0.5</p>")  # a browser reports each paragraph's first paint
    label.add_class("sd-floor")
    slider.observe(lambda change: setattr(label, "value", f"<p>{change['new']:.4f}</p>"), "value")
    display(widgets.VBox([slider, label]))


def interact_twin(explorer: Explorer) -> None:
    """Show the explorer's simulation and plot the usual way: a new figure for every value."""
    import matplotlib.pyplot as plt

    def draw(**moved: Any) -> None:
        values = {name: explorer.controls[name].read(value) for name, value in moved.items()}
        outcome = explorer.simulate(**{**explorer.values, **values})
        result = list(outcome)[-1] if hasattr(outcome, "__next__") else outcome
        size = (explorer.canvas.width_px / 100, explorer.canvas.height_px / 100)
        grid = getattr(explorer.plot, "panels", None)
        _, axes = plt.subplots(figsize=size, squeeze=False, **(grid or {}))
        explorer.plot(result, tuple(axes.ravel()) if grid else axes[0, 0])
        plt.show()
        print(result.reading)

    controls = {name: control.widget(name) for name, control in explorer.controls.items()}
    display(widgets.interactive(draw, **controls))
