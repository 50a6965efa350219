"""Plant faults at random in experiments, and see whether their chapter's tests notice.

``python -m tests.mutants --count 150`` writes ``docs/mutants.md``. Each mutant is one small change
of a model, a theory, a sentence, a table or a plot: another number, a flipped comparison, swapped
operands, a neighbouring field, a statement left out. It is killed if a test of its own chapter
fails. A survivor counts only if it changes something that a learner sees, at the opening
setting or at a corner of some explorer: a number, a sentence, a table or a pixel.
"""
