"""What every transport must do, held against this one on this machine."""

from sshpyk_core.testing.conformance import TransportConformance


class TestCommand(TransportConformance):
    """Commands by the default template."""

    transport = "command"
