"""What the course adds to the Jupyter server: prompt answers, pictures that outlive a kernel.

``python helpers/start.py settings``, which ``make lab`` and Binder run, switches it on. Without it
everything works, only later, and a notebook opened again shows no pictures until it is run.
"""

from __future__ import annotations

from typing import Any

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "helpers.server"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Switch both on, for kernels connected and notebooks saved from now on."""
    answer_at_once(server.web_app.settings)
    server.contents_manager.register_pre_save_hook(leave_views_out)


def answer_at_once(settings: dict[str, Any]) -> None:
    """Let the web sockets of kernels send without delay.

    They hold small messages back until earlier ones are acknowledged (Nagle's algorithm), and
    browsers delay acknowledgements by up to 40 ms. Each step of a slider is answered by several
    small messages, so the wait is felt as lag.
    """
    name = "kernel_websocket_connection_class"
    connection: type = settings[name]

    class PromptConnection(connection):  # type: ignore[misc, valid-type]
        async def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return await super().connect()

    settings[name] = PromptConnection


def leave_views_out(model: dict[str, Any], **_: Any) -> None:
    """Save a notebook without references to widgets that live in its kernel alone.

    JupyterLab prefers such a reference to the picture beside it and, once the kernel is gone, shows
    an error in its place. What is on the page now stays as it is.
    """
    if model.get("type") != "notebook" or not isinstance(model.get("content"), dict):
        return
    for cell in model["content"].get("cells", []):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if data.pop(_WIDGET_VIEW, None) is not None:
                output.get("metadata", {}).pop(_WIDGET_VIEW, None)
    model["content"].get("metadata", {}).pop("widgets", None)
