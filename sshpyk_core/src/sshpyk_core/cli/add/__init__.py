"""``sshpyk add``: from a host that ssh can reach to kernels in the picker.

=========== =====================================================================
command     the command line and the exit status
request     what the command line asks for, checked before anything is done
adding      the course of it: look at the host, choose, write, tell
visit       what is done on the host, over one connection
installing  ipykernel into an interpreter of the host
matching    which of the host's kernels the flags mean
naming      names for programs and for people
candidates  each of those kernels as it would be added, and what is there already
picking     the person's choice
writing     the kernel specs, all or a clear word about which
show        all of it for people
as_json     all of it for programs
=========== =====================================================================
"""
