"""Chapter 08: splitting data over machines, and what that does to load, latency and safety."""
