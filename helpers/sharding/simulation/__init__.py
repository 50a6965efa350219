"""Models of sharding: parameters in, results out; one module an experiment."""
