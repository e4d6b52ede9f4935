"""The option of this transport: the local command that runs a command on the host."""

from __future__ import annotations

from dataclasses import dataclass

from sshpyk_core.transport_kit.options import OptionValueError, Reader, option, words


def _template(value: object) -> tuple[str, ...]:
    found = words.read(value)
    if "{command}" not in found:
        raise OptionValueError("one of them has to be {command}")
    return found


@dataclass(frozen=True)
class Options:
    """What a kernel spec may ask of this transport."""

    command: tuple[str, ...] = option(
        ("sh", "-c", "{command}"),
        Reader("a list of texts", _template),
        "the local command that runs a command on the host: {command} becomes that command, "
        "{alias} the host's alias",
    )

    def fill(self, alias: str, command: str) -> list[str]:
        """Give the words of the local command that runs this command on this host."""
        return [
            command if word == "{command}" else word.replace("{alias}", alias)
            for word in self.command
        ]
