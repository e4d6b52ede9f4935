"""A kernel for one purpose: it writes down how it was started, then listens until it is killed.

Arguments: the connection file, the file for the report, and any others. It speaks no protocol, so
only a manager can be used with it, not a client.
"""

import json
import os
import resource
import signal
import socket
import sys

PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")


def main() -> None:
    connection_file, report_file = sys.argv[1:3]
    with open(connection_file, encoding="utf-8") as file:
        connection = json.load(file)
    report = {
        "argv": sys.argv[1:],
        "connection": connection,
        "cwd": os.getcwd(),
        "env": dict(os.environ),
        "executable": sys.executable,
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "process_group": os.getpgrp(),
        "pid": os.getpid(),
    }
    with open(report_file, "w", encoding="utf-8") as file:
        json.dump(report, file)
    # The last to listen is the one that the supervisor looks for.
    sockets = [socket.create_server((connection["ip"], connection[port])) for port in PORTS]
    while sockets:
        signal.pause()


main()
