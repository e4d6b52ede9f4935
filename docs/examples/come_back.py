"""Have long work begin on a host, leave, and come back for what it printed.

    python come_back.py start ssh_lab_python3
    python come_back.py back ssh_lab_python3 0f3a...

The name is that of a kernel spec of this machine, as ``sshpyk list`` shows it.
"""

from __future__ import annotations

import asyncio
import sys

from sshpyk_core.api import connect

WORK = """
import time
total = 0
for step in range(1, 4):
    time.sleep(10)
    total += step
    print(f"step {step}: {total}", flush=True)
"""


async def start(spec: str) -> None:
    """Start a kernel that stays, give it work, leave it and say how to come back."""
    async with connect(spec=spec) as host:
        kernel = await host.start(name="long work", persistent=True)
        await kernel.begin(WORK)
        await kernel.leave()
        print(f"python come_back.py back {spec} {kernel.id}")


async def back(spec: str, kernel_id: str) -> None:
    """Read what was missed and what is still to come, look at a variable, and clean up."""
    async with connect(spec=spec) as host:
        kernel = await host.attach(kernel_id)
        async for message in kernel.missed(follow=True):
            if message["header"]["msg_type"] == "stream":
                print(message["content"]["text"], end="")
        result = await kernel.run("total")
        print("the total is", result.value)
        await kernel.stop()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start", spec]:
            asyncio.run(start(spec))
        case ["back", spec, kernel_id]:
            asyncio.run(back(spec, kernel_id))
        case _:
            sys.exit(__doc__)
