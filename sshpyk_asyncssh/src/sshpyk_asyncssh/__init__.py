"""The asyncssh transport of sshpyk; it holds no transport yet."""
