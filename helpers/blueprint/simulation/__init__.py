"""Runs of a design: the rules, two engines that keep them, and what came out."""
