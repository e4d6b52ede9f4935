"""The paramiko transport of sshpyk; it holds no transport yet."""
