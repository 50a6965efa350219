"""The policies alone, at one station: Poisson arrivals, exponential service, one thread a server.

The blueprint's engines run whole systems. To compare policies, one station is enough. ``waits``
has the model, in simpy and as a quick loop; ``station`` simulates with it; ``limits`` and
``chain`` say what is known without simulating.
"""
