"""A Jupyter server extension: what a kernel answers leaves the server at once.

The server's web sockets hold small messages back until earlier ones are acknowledged (Nagle's
algorithm), and browsers delay acknowledgements by up to 40 ms. Each step of a slider is answered
by several small messages, so the wait is felt as lag. ``python helpers/start.py settings``, which
``make lab`` and Binder run, switches the extension on; without it everything works, only later.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "helpers.websocket"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Let kernel connections opened from now on send without delay."""
    name = "kernel_websocket_connection_class"
    connection: type = server.web_app.settings[name]

    class PromptConnection(connection):  # type: ignore[misc, valid-type]
        async def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return await super().connect()

    server.web_app.settings[name] = PromptConnection
