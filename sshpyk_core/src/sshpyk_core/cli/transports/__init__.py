"""``sshpyk transports``: what is installed, whether it works here, and what it can do.

=========== =====================================================================
command     the command line and the exit status
inventory   what is installed, tried one by one, so that none spoils another
show        the inventory for people
as_json     the inventory for programs
=========== =====================================================================
"""
