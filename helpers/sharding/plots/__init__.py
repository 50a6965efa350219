"""Figures of this chapter: a result and axes in, drawn axes out."""
