"""Checks of a host, in the order in which one thing depends on another: one function for each.

Each gives what it has found, asks nobody, and has a limit of its own where it waits. What goes
wrong is a finding, or an error that :func:`~sshpyk_core.checks.failure.finding_of` makes one of.

============= ===================================================================
first_hop     the host that this machine itself connects to
network       its name, its port, and whether SSH answers there
login_shell   whether the login shell runs commands, and what it prints
asking        a few lines of Python run on the host
python        what the remote package runs on
kernels       the kernel specs there
kernel_start  a kernel started, asked who it is, and stopped
pace          how far away the host is, and how much goes through
permissions   what the server allows besides
failure       errors as findings
============= ===================================================================
"""
