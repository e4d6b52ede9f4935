"""``sshpyk-kernel``: a kernel on a host that this program starts or joins, and holds.

For programs that start kernels by an argument list and know no provisioners, and for people at a
terminal.

========== ======================================================================
module     its job
========== ======================================================================
app        the command line and Jupyter's configuration, as traits
lookup     a kernel that runs already, by file, ID or name
wanted     what these come to: which kernel, which connection file, where it is noted
held       the kernel: started or joined, interrupted, restarted, ended, left
messages   what a kernel is asked by message, on its control channel
session    the program from its start to its end: orders carried out, one exit status
orders     what it can be told, by whom and how that is named
signals    orders that come as signals
keys       orders that come from the keyboard
told       what the user reads
========== ======================================================================
"""
