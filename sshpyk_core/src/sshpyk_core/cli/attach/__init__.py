"""``sshpyk attach``: a kernel that runs on a host, for the programs of this machine.

======== =====================================================================
module   its job
======== =====================================================================
command  the command line
holding  which kernel, which connection file, and what is told
======== =====================================================================
"""
