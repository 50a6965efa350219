"""Why system design?: load, durability, concurrency, faults, judgement, surprises and deploys."""
