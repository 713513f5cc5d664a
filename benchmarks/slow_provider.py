"""A provider for benchmarks, in a process of its own: it reads what it gets, waits 50 ms, and answers with an id."""

import asyncio
import itertools
import sys
import time

from aiohttp import web

LATENCY = 0.05


def main(port: int) -> None:
    numbers = itertools.count(time.time_ns())

    async def take(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(LATENCY)
        return web.json_response({"id": f"B{next(numbers)}"})

    app = web.Application()
    app.router.add_post("/", take)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
