"""``sshpyk ps``: the kernels that run on hosts.

=========== =====================================================================
command     the command line and the exit status
words       what is said of one kernel: ages, sizes, states
show        a table for people, of any width; lines with tabs in a pipe
as_json     all facts for programs
=========== =====================================================================
"""
