"""Boxes and arrows: one design in code, and what is wrong with it.

A validator finds what the drawing alone shows: parts that nobody calls, circles, single points of
failure. Where that stops being enough: a design without a finding may still be the wrong one.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from helpers import blueprint
from helpers.blueprint import Design, Finding
from helpers.blueprint.plots import plot_design
from helpers.blueprint.plots.layout import BOX_H, BOX_W
from helpers.foundations.drawing import style
from helpers.foundations.drawing.clicks import clickable
from helpers.foundations.experiment import Parameters, Result, integer, option, takes
from helpers.foundations.prose import counted, duration, significant

if TYPE_CHECKING:
    import pandas as pd


def photo_site(servers: int, replicas: int) -> Design:
    """Return the chapter's example: a site with uploads whose thumbnails are made by workers."""
    app = blueprint.AppServers(count=servers)
    db = blueprint.Database(replicas=replicas, failover_s=30.0 if replicas else None)
    return Design(
        "photo site",
        blueprint.Clients(rate_rps=60, write_fraction=0.2, job_fraction=0.1)
        >> blueprint.LoadBalancer(count=2)
        >> app
        >> db,
        app >> blueprint.Queue() >> blueprint.Workers() >> db,
    )


def _no_balancer(design: Design) -> Design:
    return design.without("balancer")


def _no_workers(design: Design) -> Design:
    return design.cut("queue", "workers")


def _nobody_calls(design: Design) -> Design:
    return design.cut("app", "queue")


def _cycle(design: Design) -> Design:
    return design.wire(design["workers"] >> design["app"])


def _one_balancer(design: Design) -> Design:
    return design.replace("balancer", count=1)


#: Ways to get the drawing wrong.
MISTAKES: dict[str, Callable[[Design], Design]] = {
    "none": lambda design: design,
    "a single balancer": _one_balancer,
    "no balancer at all": _no_balancer,
    "nobody calls the queue": _nobody_calls,
    "the queue leads nowhere": _no_workers,
    "workers call the servers": _cycle,
}


class Setting(Parameters):
    """A site with uploads, and a mistake in its drawing."""

    mistake: str = option("a single balancer", "Mistake", of=tuple(MISTAKES))
    servers: int = integer(3, "Servers", at_least=1, at_most=4)
    replicas: int = integer(1, "Read replicas", at_least=0, at_most=3)


@takes(Setting)
def simulate(at: Setting) -> Boxes:
    """Draw a design with a mistake in it and let the validator find it."""
    return Boxes(at, judge(MISTAKES[at.mistake](photo_site(at.servers, at.replicas))))


def judge(design: Design) -> Verdict:
    """Return a design with everything the model says about it.

    Parameters
    ----------
    design : Design
        Any design, however unfinished.

    Returns
    -------
    Verdict
    """
    findings = blueprint.validate(design)
    if any(finding.severity == "error" for finding in findings):
        return Verdict(design, findings)
    bounds = blueprint.bounds(design)
    return Verdict(
        design=design,
        findings=findings,
        capacity_rps=bounds.capacity_rps,
        downtime_h=blueprint.availability(design, request="write").downtime_s / 3_600,
        monthly=blueprint.cost(design).monthly,
        bottleneck=bounds.bottleneck,
    )


# --- what it says ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """A design, judged: what is wrong with it, and what the model says if nothing is.

    Attributes
    ----------
    design : Design
        What was drawn.
    findings : list of Finding
        Errors, or if there are none, warnings.
    capacity_rps : float or None
        Throughput of the bottleneck; None for a design with errors, which has none, nor any of
        the rest.
    downtime_h, monthly : float
        Hours of outage a year for a write, and USD a month.
    bottleneck : str
        Where it saturates; empty for a design with errors.
    """

    design: Design
    findings: list[Finding]
    capacity_rps: float | None = None
    downtime_h: float = math.nan
    monthly: float = math.nan
    bottleneck: str = ""

    @property
    def errors(self) -> list[Finding]:
        """The findings that keep it from running."""
        return [finding for finding in self.findings if finding.severity == "error"]

    @property
    def closing(self) -> tuple[str, str] | None:
        """The arrow that closes a circle, if there is one."""
        for finding in self.findings:
            if finding.rule == "cycle":
                *_, source, target = finding.message.rsplit(": ", 1)[1].split(" >> ")
                return source, target
        return None

    @property
    def summary(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {
            "errors": len(self.errors),
            "warnings": len(self.findings) - len(self.errors),
        }
        if self.capacity_rps is not None:
            found |= {
                "bottleneck": self.bottleneck,
                "capacity_rps": self.capacity_rps,
                "downtime_h_per_year": self.downtime_h,
                "usd_per_month": self.monthly,
            }
        return found

    @property
    def reading(self) -> str:
        said = (
            "; ".join(finding.message for finding in self.findings) or "nothing to complain about"
        )
        if self.capacity_rps is None:
            return f"This design cannot run: {said}."
        return (
            f"First to saturate: {self.bottleneck}, at {significant(self.capacity_rps)} "
            "requests/s; "
            f"{duration(3_600 * self.downtime_h)} of outage a year, "
            f"{significant(self.monthly)} USD a month. The validator: {said}."
        )


class Boxes(Result):
    """What was drawn, and the verdict on it."""

    at: Setting
    verdict: Verdict

    @property
    def summary(self) -> dict[str, float | int | str]:
        return self.verdict.summary

    @property
    def reading(self) -> str:
        return self.verdict.reading

    def table(self) -> pd.DataFrame:
        return blueprint.design_table(self.verdict.design)


@style.wide
@style.panels(1, rows=2, height_ratios=[3.3, 1])
def plot(run: Boxes, axes: tuple[Axes, Axes]) -> None:
    """Draw a design, and below it what the validator says."""
    diagram, findings = axes
    verdict = run.verdict
    closing = verdict.closing
    middles = plot_design(verdict.design.cut(*closing) if closing else verdict.design, diagram)
    diagram.set_title("The drawing")
    for name, (x, y) in middles.items():
        control, value, label = _click(run.at, name)
        if control:
            corners = (x - BOX_W / 2, y - BOX_H / 2, x + BOX_W / 2, y + BOX_H / 2)
            clickable(diagram, control, label, *corners, value=value, name=name)
    if closing:
        _closing_arrow(diagram, middles, *closing)
    findings.set_axis_off()
    findings.set_xlim(0, 1)
    findings.set_ylim(0, 1)
    findings.set_title("What the validator says")
    y = 0.98
    if not verdict.findings:
        findings.text(0, y, "✓ nothing to complain about", fontsize=10, color=style.GREEN, va="top")
    for finding in verdict.findings[:4]:
        error = finding.severity == "error"
        lines = textwrap.wrap(finding.message, 78)
        mark, color = ("✗ error", style.VERMILION) if error else ("! warning", style.INK)
        findings.text(0, y, mark, fontsize=9.5, fontweight="bold", color=color, va="top")
        findings.text(0.145, y, "\n".join(lines), fontsize=9.5, va="top", linespacing=1.2)
        y -= 0.13 * len(lines) + 0.06
    if len(verdict.findings) > 4:
        findings.text(0.145, y, f"and {len(verdict.findings) - 4} more", fontsize=9.5, va="top")


#: Boxes of which a click makes a mistake, the next one another, and the last one mends it.
_MADE_BY = {
    "clients": ("no balancer at all",),
    "balancer": ("a single balancer",),
    "queue": ("nobody calls the queue",),
    "workers": ("the queue leads nowhere", "workers call the servers"),
}


def _click(at: Setting, name: str) -> tuple[str, str | int, str]:
    """Return what a click on a box sets, to what, and what is said of it."""
    part, _, number = name.partition("-")
    if part in _MADE_BY:
        turns = ("none", *_MADE_BY[part], "none")
        now = at.mistake if at.mistake in turns else "none"
        mistake = turns[turns.index(now) + 1]
        if mistake == "none":
            return "mistake", "none", f"{part}: mend the mistake"
        return "mistake", mistake, f"{part}: {mistake}"
    rank = int(number or 1)
    if part == "app":
        servers = rank if rank < at.servers else rank - 1 or 2
        return "servers", servers, f"{name}: {counted(servers, 'server')}"
    replicas = rank - 2 if rank > 1 else (at.replicas + 1) % 4
    return "replicas", replicas, f"{name}: {counted(replicas, 'replica')}"


def _closing_arrow(
    ax: Axes, middles: dict[str, tuple[float, float]], source: str, target: str
) -> None:
    """Draw the arrow that closes a circle, from below upwards, where nothing can hide it."""
    ends = []
    for name in (source, target):
        x, y = middles[name] if name in middles else middles[f"{name}-1"]
        ends.append((x - BOX_W / 2, y))  # a box's left side
    ax.add_patch(
        FancyArrowPatch(*ends, connectionstyle="arc3,rad=-0.55", arrowstyle="-|>",
                        mutation_scale=14, color=style.VERMILION, linewidth=2.2,
                        linestyle=(0, (4, 2)), zorder=8)
    )  # fmt: skip
