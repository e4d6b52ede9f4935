"""What transports have in common, for those who write one; of it the core needs ``options`` only.

===================  ===========================================================================
``options``          a frozen dataclass of typed options <-> ``transport_options`` of a spec
``remote_command``   write a file and send a signal where a transport can only run commands
``deadline``         a time limit that stands still while a person is asked
``diagnosis``        what the settings say, what is not kept to, host keys and errors as findings
``session_limit``    opening a session where the server counts them (MaxSessions)
``patterns``         lists of patterns with ``*``, ``?`` and ``!``, as ssh has them
``settings/``        a host's settings, from ssh or from its files; algorithms; variables
``host_keys/``       known hosts files; trust, ask, remember or refuse a host's key
``route/``           jump hosts, a ProxyCommand, a TCP connection
``login/``           which agent; passwords, passphrases and codes; what a refused login means
``streams/``         the reading end of a remote process's output; the listening half of a forward
===================  ===========================================================================
"""
