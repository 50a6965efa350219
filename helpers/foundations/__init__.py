"""What every chapter stands on; it knows no chapter and no widget.

==============  ===============================================================================
``experiment``  declared parameters, named draws, results: what every experiment is made of
``validation``  parameter checks whose errors name parameter, value and range
``prose``       numbers in sentences
``year``        the length of a year and of a month
``traffic``     random streams, arrivals, service times, Zipf keys
``queueing``    the one FIFO engine, the same in simpy, and the closed forms it is checked against
``statistics``  intervals that say how far a simulated number can be trusted
``events``      what happened in a simulation, event by event, for replays
``histories``   histories of registers, and which promises they keep
``drawing``     how figures look: style, axes, marks, diagrams, words
``servers``     real servers and clients on this machine, and other Python processes
``questions``   a chapter's predictions, quizzes and goals as data
``students``    the random stream that belongs to a student id
``suspects``    a model under suspicion, and laws that are tried on its runs
``own_work``    whether a function works by itself or lets the course's package do it
``dominance``   who is beaten by nobody, where of each number less is better
``sweep``       a function over a grid of parameters, on any executor
==============  ===============================================================================
"""
