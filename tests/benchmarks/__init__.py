"""How fast the course is, measured side by side in one run; `make bench` writes docs/benchmarks.md.

Benchmarks are not tests: times on a shared machine are noise, so nothing here fails on one. What
does fail is a wrong answer, an explorer nobody measured, and an engine nobody measured.
"""
