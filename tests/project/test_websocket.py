"""What a kernel answers must leave the server at once: a slider's lag hangs on it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from helpers import websocket


def test_connections_send_without_delay_and_work_as_before() -> None:
    seen = []

    class Connection:
        websocket_handler = SimpleNamespace(set_nodelay=lambda value: seen.append(value))

        async def connect(self) -> str:
            seen.append("connects")
            return "connected"

    name = "kernel_websocket_connection_class"
    server = SimpleNamespace(web_app=SimpleNamespace(settings={name: Connection}))
    websocket._load_jupyter_server_extension(server)
    prompt = server.web_app.settings[name]
    assert issubclass(prompt, Connection)
    assert asyncio.run(prompt().connect()) == "connected"
    assert seen == [True, "connects"]


def test_the_settings_name_the_extension() -> None:
    [point] = websocket._jupyter_server_extension_points()
    assert point["module"] == websocket.__name__
