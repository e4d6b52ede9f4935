"""``sshpyk import``: kernel specs of other tools, and of sshpyk 1.x, rewritten for us.

================ =================================================================
command          the command line and the exit status
plan             which kernel specs there are, and what each would become
rewriting        the plans carried out, a copy kept of each
translation      what a translation gives, and why there is none
sshpyk_1x        from the keys of sshpyk 1.x to those of today
remote_ikernel   from the arguments of remote_ikernel
ssh_ipykernel    from those of ssh_ipykernel
kernel_command   from a command that starts an ipykernel to its interpreter
show             what would be and what was done, for people
as_json          the same for programs
================ =================================================================
"""
