"""The way to a host: a TCP connection, jump hosts, a ProxyCommand."""
