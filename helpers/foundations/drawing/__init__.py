"""How figures look and what they are made of: style, axes, marks, diagrams, words."""
