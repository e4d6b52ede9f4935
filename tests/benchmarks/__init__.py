"""Measures of a remote kernel against the same kernel run locally; `run.py` is the command."""
