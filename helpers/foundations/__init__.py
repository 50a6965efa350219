"""What every chapter stands on; it knows no chapter and no widget.

==============  ===============================================================================
``experiment``  declared parameters, named draws, results: what every experiment is made of
``validation``  parameter checks whose errors name parameter, value and range
``prose``       numbers in sentences
``traffic``     random streams, arrivals, service times, Zipf keys
``queueing``    the one FIFO engine, the same in simpy, and the closed forms it is checked against
``statistics``  intervals that say how far a simulated number can be trusted
``drawing``     how figures look: style, axes, marks, diagrams, words
``servers``     real servers and clients on this machine, and other Python processes
``students``    the random stream that belongs to a student id
``sweep``       a function over a grid of parameters, on any executor
==============  ===============================================================================
"""
