"""``sshpyk logs``: what a running kernel wrote to its standard output and error.

=========== =====================================================================
command     the command line and the exit status
reading     what is kept of it, and what comes
writing     bytes to a pipe as they are, to a terminal without what it would obey
=========== =====================================================================
"""
