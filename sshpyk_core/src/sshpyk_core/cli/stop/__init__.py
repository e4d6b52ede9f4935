"""``sshpyk stop``: the end of kernels that run on hosts.

=========== =====================================================================
command     the command line, the question, and the exit status
stopping    one kernel is stopped, by force if told so, and waited for
=========== =====================================================================
"""
