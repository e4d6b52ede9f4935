"""``sshpyk login`` and ``sshpyk logout``: questions answered once, for all kernels of a host.

=========== =====================================================================
command     the command lines and the exit statuses
where       the targets that a word of the command line stands for
logging_in  a login, what is kept of it, and whether that lets the next one in
logging_out what is kept is ended and forgotten
show        both for people
as_json     both for programs
=========== =====================================================================
"""
