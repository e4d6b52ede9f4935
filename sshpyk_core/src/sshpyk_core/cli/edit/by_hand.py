"""A kernel spec changed in the user's editor, checked before anything is written."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import Any

import click

from sshpyk_core.cli.running import is_interactive
from sshpyk_core.errors import ConfigError, LocalSpecError
from sshpyk_core.kernelspecs import LocalSpec

__all__ = ["checked", "edited_by_hand"]


def edited_by_hand(spec: LocalSpec) -> Mapping[str, Any]:
    """Let the user edit a copy until it is right.

    Returns:
        The new content; the old one when the copy was not saved.

    Raises:
        ConfigError: the copy is wrong, and nobody wants to edit it again.
        LocalSpecError: there is no editor to be had, or the file cannot be read.
    """
    if not is_interactive() and not (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise LocalSpecError("There is no terminal for an editor: use flags instead of --editor.")
    try:
        text = spec.file.read_text(encoding="utf-8")
    except OSError as error:
        raise LocalSpecError(f"{spec.file} cannot be read: {error.strerror}") from error
    while True:
        saved = click.edit(text, extension=".json")
        if saved is None:
            return spec.content
        try:
            return checked(spec, saved)
        except ConfigError as error:
            if not is_interactive() or not _again(str(error)):
                raise ConfigError(f"{error}\nNothing was written.") from error
            text = saved


def _again(problem: str) -> bool:
    from sshpyk_core.cli.page import printable

    click.echo(printable(problem), err=True)
    return click.confirm("Edit it again?", default=True, err=True)


def checked(spec: LocalSpec, text: str) -> dict[str, Any]:
    """Read the text of a kernel.json that is to replace one of ours.

    Raises:
        ConfigError: it is no kernel.json, or would not be one of ours that works.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"This is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError("A kernel.json holds one JSON object.")
    _check_for_jupyter(content)
    changed = LocalSpec(spec.name, spec.directory, content)
    if not changed.ours:
        raise ConfigError(
            "It would not be a kernel of sshpyk any more: "
            "metadata.kernel_provisioner.provisioner_name must stay."
        )
    changed.config()
    return content


def _check_for_jupyter(content: dict[str, Any]) -> None:
    from jupyter_client.kernelspec import KernelSpec
    from traitlets import TraitError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of keys that Jupyter does not know
        try:
            KernelSpec(resource_dir="", **content)
        except (TraitError, TypeError) as error:
            raise ConfigError(f"Jupyter would not take it: {error}") from error
