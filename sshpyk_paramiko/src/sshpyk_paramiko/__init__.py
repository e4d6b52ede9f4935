"""The paramiko transport of sshpyk: SSH in Python, over paramiko's threads."""
