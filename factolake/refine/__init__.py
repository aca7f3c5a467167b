"""Refinement: DataFrame in, DataFrame out. Transforms are pure; `runner.py` alone reads and commits tables."""
