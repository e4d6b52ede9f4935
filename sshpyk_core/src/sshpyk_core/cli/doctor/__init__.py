"""``sshpyk doctor``: what stands between this machine and a kernel on a host, and what to do.

=========== =====================================================================
command     the command line and the exit status
rounds      the whole of it: the chosen transport, then the others
report      what is found, as values
examination the checks over the chosen transport, in order of cause
on_host     those of them that are made on the host, after the login
declining   whether the person who was asked has had enough
others      whether the other installed transports would do as well
show        the report for people, line by line as it comes
as_json     the report for programs
=========== =====================================================================
"""
