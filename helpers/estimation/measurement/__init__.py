"""The chapter's experiments on real components."""
