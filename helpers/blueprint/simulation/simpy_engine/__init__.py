"""The engine to read and to edit: every component is a few lines of process, in simpy's words.

Read :mod:`~helpers.blueprint.simulation.rules` first: it says what has to happen, and this folder
says it again in Python. A request is a process that calls a component and waits for its reply, the
component is a process that works, calls others, and replies. Try your own ideas here: a balancer
of your making, a server that sheds load, a client that gives up after three failures.

``calls`` has what all components share, ``front``, ``servers`` and ``jobs`` have the components one
by one, and ``model`` puts them together. The fast engine does the same without processes;
tests demand that both agree event for event.
"""
