"""Pairs as batches: the data module, transforms, few-shot draws, features of a split."""
