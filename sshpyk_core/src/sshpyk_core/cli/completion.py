"""``sshpyk completion``: the script that teaches a shell to complete our commands."""

from __future__ import annotations

import click

__all__ = ["completion"]

VARIABLE = "_SSHPYK_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that lets a shell complete commands.

    It offers the hosts and the kernel specs as well.

    \b
    Examples:
      eval "$(sshpyk completion bash)"           in ~/.bashrc
      eval "$(sshpyk completion zsh)"            in ~/.zshrc
      sshpyk completion fish > ~/.config/fish/completions/sshpyk.fish
    """
    from click.shell_completion import get_completion_class

    from sshpyk_core.cli import main

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "sshpyk", VARIABLE).source())
