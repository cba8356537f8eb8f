"""FastAPI with uvicorn, the stack that this example comes from."""

import asyncio
from datetime import datetime, timezone

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

app = FastAPI()


async def ticks():
    n = 0
    while True:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        yield f"data: {now.replace('+00:00', 'Z')}\nid: {n}\n\n"
        n += 1
        await asyncio.sleep(5)


@app.get("/sse")
async def sse():
    headers = {"Cache-Control": "no-cache"}
    return StreamingResponse(ticks(), media_type="text/event-stream", headers=headers)
