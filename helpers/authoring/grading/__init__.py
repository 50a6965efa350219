"""Grade a class: look at what was handed in, run it where it can do no harm, keep what came of it.

``commands`` is the order of things, ``look`` reads notebooks as data, ``run`` gives each a ``room``
of its own, ``checks`` compiles a lab's checks so that they trust nothing of what they judge,
``book`` keeps the verdicts and nbgrader's gradebook, ``feedback`` makes the students' pages.
docs/instructors.md says what is prevented, what is noticed, and what is not.
"""
