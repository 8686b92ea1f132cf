"""Training: ``fit``, its optimiser groups, averaging and exact checkpoints; torch comes late."""
