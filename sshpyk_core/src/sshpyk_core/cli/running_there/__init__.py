"""Kernels that run on hosts, for the commands that show one or do something to it.

======== =====================================================================
module   its job
======== =====================================================================
asking   all hosts at once: one connection to each, kept as long as it is needed
finding  which kernel an ID of the command line means
flags    how they are looked for
ids      the IDs that people see and type
joinable which one a NAME or an ID means, for a program that is to hold it
where    which hosts are asked
======== =====================================================================
"""
