"""The asyncssh transport of sshpyk: SSH in Python, on the event loop of the link."""
