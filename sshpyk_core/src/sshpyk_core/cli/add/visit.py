"""What ``sshpyk add`` does on a host, over one connection that ends before a person chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from sshpyk_core.cli.add.installing import install_where_missing
from sshpyk_core.cli.add.matching import matching
from sshpyk_core.cli.add.request import Request
from sshpyk_core.cli.status import LiveStatus
from sshpyk_core.errors import HostError, HostUnreachableError
from sshpyk_core.prompting.person import find_person
from sshpyk_core.survey import RemoteKernel, Survey, resources, survey
from sshpyk_core.visiting import visiting

__all__ = ["Seen", "look", "look_unasked"]


@dataclass(frozen=True)
class Seen:
    """What a host has.

    Attributes:
        survey: all of it.
        kernels: what the flags leave of its kernels.
        logos: of those, by directory on the host and by name.
    """

    survey: Survey
    kernels: tuple[RemoteKernel, ...]
    logos: Mapping[str, Mapping[str, bytes]]


async def look(request: Request, status: LiveStatus, *, ask: bool = True) -> Seen:
    """Connect and find out all that is needed for the rest.

    Args:
        request: what is wanted.
        status: where to say what is waited for.
        ask: whether a person may be asked for a password or about a host key.

    Raises:
        HostError: what failed.
    """
    alias = request.alias
    named = request.config.named_python
    pythons = [named] if named else []
    person = status.prompter(find_person()) if ask else None
    target, places = request.config.target, request.places
    async with visiting(target, person=person, places=places) as visit:
        status.say(f"Looking for kernels on {alias}")
        found = await survey(visit.link, pythons)
        if request.choices.install and await install_where_missing(visit, found, request, status):
            found = await survey(visit.link, pythons)
        kernels = tuple(matching(found, request))
        directories = [kernel.resource_dir for kernel in kernels if kernel.resources]
        status.say(f"Fetching the logos from {alias}")
        logos = await resources(visit.link, directories) if directories else {}
        return Seen(found, kernels, logos)


async def look_unasked(request: Request, status: LiveStatus) -> Seen | HostError:
    """Look at a host of which the flags say all: ask nobody, and wait no longer than for a start.

    Returns:
        What was seen, or why nothing was.
    """
    patience = request.config.launch_timeout
    try:
        return await asyncio.wait_for(look(request, status, ask=False), patience)
    except asyncio.TimeoutError:
        said = f"it was not done within {patience:g} s (--launch-timeout)"
        return HostUnreachableError(request.alias, "look at the host", said)
    except HostError as error:
        return error
