"""Who the host is: its key, the known hosts files, and what StrictHostKeyChecking makes of them."""
