"""What plugin authors and our own tests need to try a transport: a real SSH server on loopback.

Nothing here is imported when a kernel runs. The extra ``testing`` of ``sshpyk-core`` installs what
these modules need.
"""
