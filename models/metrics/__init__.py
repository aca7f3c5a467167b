"""Figures of how good answers are: pure functions of what was said and what was true, one noun a file."""
