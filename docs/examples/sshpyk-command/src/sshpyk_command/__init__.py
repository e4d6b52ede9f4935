"""A transport to wherever a local command can run commands: containers, pods, this machine."""
