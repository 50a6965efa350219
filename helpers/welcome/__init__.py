"""Start here: the question of the first page."""
