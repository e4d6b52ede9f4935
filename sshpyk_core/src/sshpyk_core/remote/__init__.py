"""The remote package: what runs on the host, on any Python from 3.6, with nothing installed.

One zipapp holds this folder. Its two processes are the bridge (:mod:`.bridge`), which dies with
the session, and the supervisor (:mod:`.supervisor`), which owns one kernel and outlives sessions.
The local half of the wire imports :mod:`.wire` and :mod:`.courier` from here, and nothing else.
"""
