"""The fast engine: the rules of :mod:`~helpers.blueprint.simulation.rules` on one heap of tuples.

What makes it quick: no process switching, draws looked up instead of drawn, one armed timer for
each caller instead of one for each call (all its timeouts are equally long, so they run out in the
order in which the calls were made), and nothing written down that was not asked for.

``calls`` has the calls and the callers, ``front``, ``servers`` and ``jobs`` the components, and
``engine`` puts them together.
"""
