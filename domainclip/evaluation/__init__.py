"""Evaluation: evaluators, one per file; metrics with intervals; the report. Loaded when named."""
