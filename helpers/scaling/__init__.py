"""Thinking at scale: growth, queues, bottlenecks, and scaling up or out."""
