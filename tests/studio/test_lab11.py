"""Lab 11 gives the points it should: for designs that survive, and for no others."""

from __future__ import annotations

import pytest

from helpers.blueprint import spike, steady
from helpers.studio.chance import random_designs
from helpers.studio.deck import Strike, Trace
from helpers.studio.judge import judge, passes
from helpers.studio.lab import lab_parameters
from helpers.studio.references import naive
from tests.checks import sampled, weekly
from tests.labs import Lab

LAB = Lab("lab11_its_a_journey")

DESIGN = {"check_design_seen", "check_design_unseen"}

#: As in the lab's hidden check, from which a test below takes them word for word.
UNSEEN = (
    Trace("a server falls silent", steady(), (Strike("partition", "app servers", 5.0, 14.0),)),
    Trace("the database is slow", steady(), (Strike("slow", "database", 4.0, 7.0, 8.0),)),
    Trace("a disk dies for good", steady(), (Strike("kill", "database", 11.0),)),
    Trace("a crowd", spike(at_s=5.0, length_s=6.0, factor=1.5), ()),
)


def brief_of(student):
    return lab_parameters(student).brief.scaled(unseen=UNSEEN)


def solution_for(brief):
    namespace = {}
    exec("import math\nfrom helpers.blueprint import Design, HealthCheck\n"
         + LAB.cells["my_design"].source, namespace)  # fmt: skip
    return namespace["my_design"](brief)


def test_the_hidden_traces_are_those_that_are_tried_here():
    source = LAB.cells["check_design_unseen"].source
    assert [name for name in (trace.name for trace in UNSEEN) if name not in source] == []
    assert '"partition", "app servers", 5.0, 14.0' in source
    assert '"slow", "database", 4.0, 7.0, 8.0' in source
    assert '"kill", "database", 11.0' in source
    assert "spike(at_s=5.0, length_s=6.0, factor=1.5)" in source
    text = "".join(cell.source for cell in LAB.solution.cells if cell.cell_type == "markdown")
    assert not [trace.name for trace in UNSEEN if trace.name in text]


#: Answers to the third task that count truth values as numpy, or as Python, does.
MASKS = {
    "an array's own mask": """
        def worst_stretch(sent_s, in_time, width_s, begins):
            sent, good = np.array(sent_s), np.array(in_time)
            shares = []
            for begin in begins:
                inside = (sent >= begin) & (sent < begin + width_s)
                shares.append(sent[inside & good].size / inside.sum() if inside.any() else 1.0)
            least = int(np.argmin(shares))
            return begins[least], shares[least]
    """,
    "is True": """
        def worst_stretch(sent_s, in_time, width_s, begins):
            def share(begin):
                mine = [g for s, g in zip(sent_s, in_time) if begin <= s < begin + width_s]
                return sum(g is True for g in mine) / len(mine) if mine else 1.0

            begin = min(begins, key=share)
            return begin, share(begin)
    """,
}


@pytest.mark.parametrize("how", MASKS)
def test_whoever_counts_truth_values_is_given_truth_values(how):
    assert LAB.run({"worst_stretch": MASKS[how]}, checks={"check_worst_stretch"}) == set()


def test_the_model_memo_says_what_its_bad_days_show():
    brief = lab_parameters("your id").brief
    memo = LAB.source("design-memo")
    look = LAB.source("t5-look")
    namespace = {}
    exec(look.partition("card =")[0], namespace)
    ours, disk = judge(brief, solution_for(brief), [namespace["hoped_not"], UNSEEN[2]]).ran
    begin, share = ours.worst
    assert f"Its worst two seconds begin at {begin:g} s: {100 * share:.1f} % are answered" in memo
    assert list(ours.reasons) == ["rejected"]
    assert f"{ours.reasons['rejected']} requests find it full three times" in memo
    assert disk.worst[1] == 1.0
    assert disk.reasons == {}
    assert f"99 of 100 have their ticket within {disk.p99_ms / 1e3:.2f} s" in memo


@pytest.mark.parametrize("student", sampled([f"s{n}" for n in range(16)], 4))
def test_every_student_can_solve_it(student):
    brief = brief_of(student)
    assert judge(brief, solution_for(brief), brief.traces).misses == ()
    assert judge(brief, solution_for(brief), brief.visible, seed=2).misses == ()


@pytest.mark.parametrize("student", ["ada", weekly("s2")])
def test_luck_does_not_solve_it(student):
    """Of a thousand designs drawn by chance hardly any keeps all; cheap looks come first."""
    brief = brief_of(student)
    kept = sum(passes(brief, one) for one in random_designs(brief, 1_000, 7))
    assert kept <= 3


#: What the solution chooses, taken away or turned round: each is needed for somebody.
NEEDED = {
    "no timeout": ("timeout_s=1.0, ", ""),
    "no retries of the clients": ("brief.clients(retries=2, backoff_s=0.8)", "brief.clients()"),
    "retries without a pause": ("retries=2, backoff_s=0.8", "retries=2"),
    "no replica": ("replicas=1", "replicas=0"),
    "one balancer": ("count=2, health_check", "count=1, health_check"),
    "no spare server": (" + 1, queue_capacity", ", queue_capacity"),
    "two servers more": (" + 1, queue_capacity", " + 3, queue_capacity"),
    "four balancers": ("count=2, health_check", "count=6, health_check"),
}


@pytest.mark.parametrize("change", sampled(NEEDED, 2))
def test_each_choice_is_needed(change):
    answers = LAB.answer("my_design", *NEEDED[change])
    failed = [LAB.run(answers, student, checks=DESIGN) for student in ("ada", "s1", "s6")]
    assert any(failed), change


def test_designs_made_for_others_do_not_pass():
    mine, theirs = brief_of("ada"), brief_of("s2")
    assert not passes(mine, solution_for(theirs))
    assert not passes(mine, naive(mine))
    pasted = {
        "my_design": "from helpers.studio.deck import brief as deck_brief\n"
        "from helpers.studio.references import reference\n\n\n"
        "def my_design(brief):\n    return reference(deck_brief('payments'))\n"
    }
    assert LAB.run(pasted, checks=DESIGN) == DESIGN


@pytest.mark.parametrize("key", ["rides", "payments", "chat", "sale", "shortener"])
def test_a_reference_of_the_chapter_built_with_the_shops_parts_does_not_pass(key):
    source = (
        "from helpers.studio import references\n\n\n"
        f"def my_design(brief):\n    return references._{key}(brief)\n"
    )
    assert LAB.run({"my_design": source}, checks={"check_design_unseen"})
