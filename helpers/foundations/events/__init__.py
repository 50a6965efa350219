"""What happened in a simulation, event by event: dots that go from place to place.

A :class:`Log` has places (where dots can be), tokens (the dots: requests, messages, keys), events
(a token goes to a place, or ends, with a reason where it failed) and curves over the same time.
Simulations make it, from arrays they have or while they run; ``helpers.explore.replay`` plays it.
Nothing here draws, and nothing is added to what the simulation said but the words for it.

Examples
--------
A queue from the arrays that a simulation has anyway:

>>> log = Log("Two at a counter")
>>> _ = log.place("street", "source").place("line", "queue").place("counter", "servers")
>>> _ = log.place("home", "sink")
>>> _ = log.serves("line", "counter", [0.0, 1.0], [0.0, 2.0], [2.0, 3.0], start="street",
...     then="home").counts("line", "waiting")
>>> print(log.told(1), "|", log.told(2))
request 0 is served by counter | request 1 waits in line

The same kind of log, written while a simulation runs; `env` is simpy's:

>>> import simpy
>>> env, log = simpy.Environment(), Log("Patience")
>>> _ = log.place("street", "source").place("line", "queue").place("home", "sink")
>>> def customer(number):
...     yield env.timeout(number)
...     log.moves(env.now, number, "line", start="street")
...     yield env.timeout(3)
...     log.moves(env.now, number, "home", why="waited for 3 s")
>>> for number in range(2):
...     _ = env.process(customer(number))
>>> env.run()
>>> log.told(3), dict(log.reasons)
('request 1 goes to home: waited for 3 s', {'waited for 3 s': 2})
"""

from helpers.foundations.events.curves import Curve
from helpers.foundations.events.log import Log
from helpers.foundations.events.rows import (
    ACTS,
    COLOURS,
    COMES,
    ENDS,
    NOWHERE,
    PLACES,
    SAYS,
    SETS_OUT,
    WARNS,
    Place,
    Rows,
)

__all__ = [
    "ACTS",
    "COLOURS",
    "COMES",
    "ENDS",
    "NOWHERE",
    "PLACES",
    "SAYS",
    "SETS_OUT",
    "WARNS",
    "Curve",
    "Log",
    "Place",
    "Rows",
]
