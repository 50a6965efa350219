"""Chapter 10: asynchronous processing. One file for each experiment."""
