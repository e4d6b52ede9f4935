"""The command: which measures, how many times, and in which form they are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import click
from sshpyk_core.errors import SshpykError
from sshpyk_core.registry import default_registry

from benchmarks import acknowledgements, comeback, crowd, lifecycle, memory, traffic
from benchmarks.bench import QUICK, Bench, Sizes, open_bench
from benchmarks.result import Result, as_json, show

__all__ = ["main", "measure"]

MEASURES: dict[str, Callable[[Bench], Awaitable[list[Result]]]] = {
    "cold": lifecycle.cold,
    "warm": lifecycle.warm,
    "execute": traffic.execute,
    "output": traffic.output,
    "poll": traffic.poll,
    "acknowledgements": acknowledgements.acknowledgements,
    "return": comeback.comeback,
    "memory": memory.memory,
    "idle": crowd.idle,
    "concurrent": crowd.concurrent,
}


async def measure(
    names: Sequence[str], transport: str, sizes: Sizes, tell: Callable[[str], None]
) -> list[Result]:
    """Carry out measures, one after the other.

    Args:
        names: keys of MEASURES.
        transport: the transport to measure.
        sizes: how much of each.
        tell: told before each measure.
    """
    results: list[Result] = []
    async with open_bench(transport, sizes) as bench:
        for name in names:
            tell(f"{name}: {MEASURES[name].__doc__}")
            results += await MEASURES[name](bench)
    return results


@click.command()
@click.argument("names", metavar="[MEASURE]...", type=click.Choice(list(MEASURES)), nargs=-1)
@click.option(
    "--transport",
    "transports",
    multiple=True,
    help="Transport to measure, may be given again; default: all that are installed.",
)
@click.option("--quick", is_flag=True, help="Little of each: does it all work?")
@click.option("--repeats", type=click.IntRange(1), help="Kernels to start on each side.")
@click.option("--executes", type=click.IntRange(1), help="Cells to run on each side.")
@click.option("--json", "json_wanted", is_flag=True, help="Give JSON instead of a table.")
def main(
    *,
    names: Sequence[str],
    transports: Sequence[str],
    quick: bool,
    repeats: int | None,
    executes: int | None,
    json_wanted: bool,
) -> None:
    """Measure remote kernels, over a real sshd on this machine, against local ones.

    Without MEASURE all are carried out: cold, warm, execute, output, poll, acknowledgements,
    return, memory, idle, concurrent. The transports are measured one after the other and shown
    side by side.
    A reach that is missed does not change the exit status; one that cannot be measured does.
    """
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    sizes = QUICK if quick else Sizes()
    sizes = replace(sizes, repeats=repeats or sizes.repeats, executes=executes or sizes.executes)

    def tell(text: str) -> None:
        click.echo(text, err=True)

    results: dict[str, list[Result]] = {}
    try:
        for transport in transports or default_registry().names():
            tell(f"{transport}:")
            results[transport] = asyncio.run(
                measure(names or list(MEASURES), transport, sizes, tell)
            )
    except (SshpykError, RuntimeError, TimeoutError) as error:
        raise click.ClickException(str(error)) from error
    if json_wanted:
        click.echo(as_json(results))
    else:
        show(results)
