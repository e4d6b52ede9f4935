"""The local half of the wire: one link per host, one remote kernel per supervisor, its streams."""
