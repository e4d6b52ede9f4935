"""The kernel specs of this machine: what they are, where they are found, how they are written."""

from __future__ import annotations

from sshpyk_core.kernelspecs.argv import argv_problem, kernel_argv
from sshpyk_core.kernelspecs.finding import find, find_all, find_in, find_ours, look_up
from sshpyk_core.kernelspecs.local_spec import PROVISIONER, LocalSpec, valid_name
from sshpyk_core.kernelspecs.writing import install, kernels_directory, remove, rewrite

__all__ = [
    "PROVISIONER",
    "LocalSpec",
    "argv_problem",
    "find",
    "find_all",
    "find_in",
    "find_ours",
    "install",
    "kernel_argv",
    "kernels_directory",
    "look_up",
    "remove",
    "rewrite",
    "valid_name",
]
