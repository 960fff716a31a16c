# Part 5 with websockets.  python3 part5_asyncio.py URL CMD_short:0 [CA]
import asyncio
import ssl
import sys

import websockets


async def main():
    options = {}
    if len(sys.argv) > 3:
        options["ssl"] = ssl.create_default_context(cafile=sys.argv[3])
    async with websockets.connect(sys.argv[1], **options) as ws:
        await ws.send(sys.argv[2])
        async for message in ws:
            print(message.decode())
    print("closed:", ws.close_code)


asyncio.run(main())
