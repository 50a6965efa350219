"""The room in which submissions are run. It is copied beside a clean copy of the course.

One process waits, with every library loaded and nobody's code run, and is forked for each
submission; it stays outside, keeps time and counts. Nothing in here imports the course.
"""
