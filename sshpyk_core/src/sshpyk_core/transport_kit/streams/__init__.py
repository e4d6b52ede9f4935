"""Bytes between a library and an event loop."""
