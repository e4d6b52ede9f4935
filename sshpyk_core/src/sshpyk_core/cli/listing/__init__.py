"""``sshpyk list``: all kernels of this machine, and whether those elsewhere can be had.

=========== =====================================================================
command     the command line and the exit status
facts       what is told of a kernel, as values
local       what this machine says of its kernel specs
hosts       hosts looked at in parallel, one connection to each
remote      what a host said, and what the kernel spec wants, put together
show        the kernels for people
as_json     the kernels for programs
=========== =====================================================================
"""
