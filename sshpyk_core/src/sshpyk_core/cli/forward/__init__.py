"""``sshpyk forward``: ports of a host on this machine, for as long as the command runs.

=========== =====================================================================
command     the command line
outlook     what is to be known of the host before a port here is taken
keeping     the connection and the forwards over it, brought back when it is lost
stopping    Ctrl+C and the like, once there is something to end in order
told        what is said, for people and for programs
=========== =====================================================================
"""
