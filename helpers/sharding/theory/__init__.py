"""Closed forms for what the simulations of this chapter must reproduce."""
