"""The sockets that the web process listens on."""

import asyncio
import socket

from app.sockets import listen


def test_no_part_of_a_response_waits_for_an_acknowledgement() -> None:
    """Like uvicorn: an asyncio server gets the socket, and sends in several parts."""

    async def main() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            option = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            found.set_result(option)
            writer.close()

        listener = listen("127.0.0.1", 0)
        async with await asyncio.start_server(serve, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            option = await found
            writer.close()
        return option

    assert asyncio.run(main())
