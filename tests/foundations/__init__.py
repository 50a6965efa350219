"""The foundations: traffic, the queueing engine, closed forms, intervals, sweeps, checks."""
