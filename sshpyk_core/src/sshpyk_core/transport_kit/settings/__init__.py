"""What the user's ssh config says of a host, made usable: keywords, algorithms, variables."""
