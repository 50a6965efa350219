"""What every chapter stands on; it knows no chapter and no widget.

===============  ==============================================================================
``workload``     seeded random streams, arrivals, service times, Zipf keys
``queueing``     the one FIFO engine and the closed forms it is checked against
``station``      the same station as a simpy model, written to be read and edited
``statistics``   intervals that say how far a simulated number can be trusted
``sweep``        a function over a grid of parameters, on any executor
``validation``   parameter checks whose errors name parameter, value and range
``loopback``     real servers on this machine, and the clients that load them
``processes``    other Python processes: talked to, killed, never left behind
``students``     the random stream that belongs to a student id
``result``       what every experiment returns
``style``        how every figure looks
``axes``         what figures share: readable axes, error bars, marks, keys
``scales``       round ends for axes, which stay while their data changes a little
===============  ==============================================================================
"""
