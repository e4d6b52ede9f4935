"""From a launch request to the exact program to run: kernel spec, connection file, environment.

Without ``remote_precmd`` the supervisor does this itself. With it, the user's login shell runs
the commands first and then becomes :func:`main`, which becomes the kernel: so the kernel sees
everything that the commands set up, and its pid is the one that the supervisor started.

The launch request is a JSON object:

================= ==========================================================================
key               value
================= ==========================================================================
kernel_name       name of the kernel spec on this host
remote_python     the interpreter whose environment has it, or "auto"
env               variables for the kernel, ``${NAME}`` takes the login's value
cwd               working directory, absolute or from ``~/``; null is the home directory
precmd            commands for the login shell, or null
pythonhome        PYTHONHOME for remote_python, or null
kernel_pythonhome PYTHONHOME for the kernel, or null
session_name      JPY_SESSION_NAME for the kernel, may be empty
extra_arguments   list of strings for the end of the kernel's argument list
connection        key, signature_scheme, encryption ("disabled", "auto", "required"),
                  curve_publickey, curve_secretkey
================= ==========================================================================

What fails has one of the kinds ``kernel``, ``kernelspec``, ``python`` and ``directory``.
"""

import json
import os
import pwd
import signal
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from . import discovery, kernelspecs, state

REQUEST_FILE = "launch.json"
OUTCOME_FIFO = "outcome"

INTERACTIVE_SHELLS = ("bash", "zsh")
"""Shells whose users keep what commands need (conda, modules) in the interactive rc file."""

LOGIN_SHELLS = ("sh", "dash", "ash", "ksh", "mksh", "fish", "bash", "zsh")
"""Shells that take ``-l`` together with ``-c``; csh and tcsh do not."""

VARIABLES = ("SSHPYK_PYTHON", "SSHPYK_PACKAGE", "SSHPYK_DIRECTORY")


class StartError(Exception):
    """The kernel cannot be started; ``kind`` is for programs, the message for people."""

    def __init__(self, kind: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.kind = kind


class Prepared(NamedTuple):
    """All that is needed to start the kernel, and what to tell about it."""

    argv: List[str]
    env: Dict[str, str]
    cwd: str
    facts: Dict[str, Any]


def prepare(
    request: Mapping[str, Any], env: Dict[str, str], directory: str, ports: Mapping[str, int]
) -> Prepared:
    """Find the kernel spec and the interpreter, write the connection file.

    Args:
        request: what the local side asked for, see :mod:`.supervisor`.
        env: the environment that the kernel gets, before the spec's own additions.
        directory: the supervisor's.
        ports: the kernel's five.

    Raises:
        StartError: with what is missing.
    """
    spec, interpreter = _find_spec(request, env)
    encrypted = _encrypts(request["connection"], spec)
    connection_file = os.path.join(directory, state.CONNECTION_FILE)
    _write_connection_file(connection_file, request, ports, encrypted)
    try:
        plan = kernelspecs.plan(spec, interpreter, env, connection_file, _extra_env(request))
    except kernelspecs.KernelSpecError as error:
        raise StartError("kernel", str(error)) from error
    if request.get("session_name"):
        # Set last: it is a path of the user's, not a template.
        plan.env["JPY_SESSION_NAME"] = request["session_name"]
    argv = plan.argv + list(request.get("extra_arguments") or ())
    facts = {
        "kernel_name": spec.name,
        "python": interpreter.executable,
        "display_name": spec.display_name,
        "language": spec.language,
        "interrupt_mode": spec.interrupt_mode,
        "metadata": spec.metadata,
        "resource_dir": spec.resource_dir,
        "argv": argv,
        "encrypted": encrypted,
    }
    return Prepared(argv, plan.env, _working_directory(request, env), facts)


def _find_spec(
    request: Mapping[str, Any], env: Dict[str, str]
) -> Tuple[kernelspecs.KernelSpec, discovery.Interpreter]:
    probe_env = dict(env)
    if request.get("pythonhome"):
        probe_env["PYTHONHOME"] = request["pythonhome"]
    try:
        return kernelspecs.locate(request["kernel_name"], request["remote_python"], probe_env)
    except discovery.DiscoveryError as error:
        raise StartError("python", str(error)) from error
    except kernelspecs.KernelSpecError as error:
        raise StartError("kernelspec", str(error)) from error


def _extra_env(request: Mapping[str, Any]) -> Dict[str, str]:
    extra = dict(request.get("env") or {})
    if request.get("kernel_pythonhome"):
        extra["PYTHONHOME"] = request["kernel_pythonhome"]
    return extra


def _encrypts(connection: Mapping[str, Any], spec: kernelspecs.KernelSpec) -> bool:
    policy = connection.get("encryption", "disabled")
    if policy == "disabled":
        return False
    supported = spec.metadata.get("supported_encryption") or ()
    names = [supported] if isinstance(supported, str) else list(supported)
    if "curve" in [str(name).strip().lower() for name in names]:
        return True
    if policy == "required":
        raise StartError(
            "kernel",
            "transport_encryption is 'required', but the kernel spec %s does not declare "
            "'curve' in metadata.supported_encryption" % spec.resource_dir,
        )
    return False


def _write_connection_file(
    path: str, request: Mapping[str, Any], ports: Mapping[str, int], encrypted: bool
) -> None:
    wanted = request["connection"]
    content: Dict[str, Any] = {"%s_port" % name: number for name, number in ports.items()}
    content.update(
        ip="127.0.0.1",
        transport="tcp",
        key=wanted["key"],
        signature_scheme=wanted["signature_scheme"],
        kernel_name=request["kernel_name"],
    )
    if request.get("session_name"):
        content["jupyter_session"] = request["session_name"]
    if encrypted:
        content["curve_publickey"] = wanted["curve_publickey"]
        content["curve_secretkey"] = wanted["curve_secretkey"]
    try:
        state.write_json(path, content)
    except OSError as error:
        raise StartError("directory", "%s cannot be written: %s" % (path, error)) from error


def _working_directory(request: Mapping[str, Any], env: Mapping[str, str]) -> str:
    home = env.get("HOME") or "/"
    wanted = request.get("cwd")
    if not wanted:
        return home if os.path.isdir(home) else "/"
    path = os.path.join(home, wanted[2:] if wanted.startswith("~/") else wanted)
    path = home if wanted == "~" else path
    if not os.path.isdir(path):
        raise StartError("cwd", "remote_cwd %s is not a directory" % path)
    return path


def shell_command(precmd: str) -> List[str]:
    """Give the argument list that runs ``precmd`` in the user's shell and then :func:`main`.

    The paths come by variables, see :func:`shell_variables`: so they need no quoting that every
    shell would have to understand.
    """
    shell = os.environ.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    name = os.path.basename(shell)
    flags = ["-l"] if name in LOGIN_SHELLS else []
    if name in INTERACTIVE_SHELLS:
        flags.append("-i")
    become = 'exec "$%s" -I -S "$%s" launch "$%s"' % VARIABLES
    glue = "; and " if name == "fish" else " && "
    return [shell, *flags, "-c", precmd.strip().rstrip(";") + glue + become]


def shell_variables(package: str, directory: str) -> Dict[str, str]:
    """Give the variables that :func:`shell_command` refers to."""
    return dict(zip(VARIABLES, (sys.executable, package, directory)))  # noqa: B905 (3.6 has no strict)


def main(directory: str) -> None:
    """Become the kernel that the request in ``directory`` asks for.

    Each line written to the fifo is a JSON object with "ok" or "error"; an error after an "ok"
    means that the program could not be executed.
    """
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(each, signal.SIG_DFL)
    fifo = os.open(os.path.join(directory, OUTCOME_FIFO), os.O_WRONLY | os.O_CLOEXEC)
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    try:
        with open(os.path.join(directory, REQUEST_FILE), encoding="utf-8") as file:
            content = json.load(file)
        os.unlink(os.path.join(directory, REQUEST_FILE))
        prepared = prepare(content["request"], env, directory, content["ports"])
        os.chdir(prepared.cwd)
        _tell(fifo, {"ok": prepared.facts})
        os.execve(prepared.argv[0], prepared.argv, prepared.env)  # noqa: S606 (no shell is the aim)
    except StartError as failure:
        _tell(fifo, {"error": {"kind": failure.kind, "message": str(failure)}})
    except OSError as error:
        _tell(fifo, {"error": {"kind": "kernel", "message": str(error)}})
    sys.exit(1)


def _tell(fifo: int, outcome: Dict[str, Any]) -> None:
    data = json.dumps(outcome).encode("utf-8") + b"\n"
    while data:
        data = data[os.write(fifo, data) :]
