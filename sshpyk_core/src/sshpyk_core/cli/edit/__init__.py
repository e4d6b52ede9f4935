"""``sshpyk edit``: changes what a kernel spec of ours says.

=========== =====================================================================
command     the command line
changing    from flags to the new content, checked
by_hand     the same from what an editor leaves
=========== =====================================================================
"""
