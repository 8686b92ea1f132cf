"""Training: the loop, its optimiser groups, averaging, exact checkpoints."""
