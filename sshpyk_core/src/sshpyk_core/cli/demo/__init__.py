"""``sshpyk demo``: a remote kernel on this machine, step by step, that leaves nothing behind.

=========== =====================================================================
command     the command line: options, and whether all that is needed is there
performance from beginning to end, whatever happens: exit status, Ctrl+C
acts        the steps, in order
stage       what stands on the stage: SSH server, kernel, directories; clearing it
kernel      the kernel through Jupyter's own manager and client
place       throw-away directories, and the environment that points at them
remains     what is left of it on this machine
errors      what the demo itself has to complain about
story       what is told, on a terminal or as JSON
=========== =====================================================================
"""
