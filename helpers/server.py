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
    # Another extension, such as jupytext's, may still put its own manager of files in its place.
    server.io_loop.add_callback(
        lambda: server.contents_manager.register_pre_save_hook(leave_views_out)
    )


def answer_at_once(settings: dict[str, Any]) -> None:
    """Let the web sockets of kernels send without delay.

    They hold small messages back until earlier ones are acknowledged (Nagle's algorithm), and
    browsers delay acknowledgements by up to 40 ms. Each step of a slider is answered by several
    small messages, so the wait is felt as lag.
    """
    name = "kernel_websocket_connection_class"
    connection: type = settings[name]

    class PromptConnection(connection):
        async def connect(self) -> Any:
            self.websocket_handler.set_nodelay(True)
            return await super().connect()

    settings[name] = PromptConnection


def leave_views_out(model: dict[str, Any], **_: Any) -> None:
    """Save a notebook without references to widgets that live in its kernel alone.

    JupyterLab prefers such a reference to the picture beside it and, once the kernel is gone, shows
    an error in its place. A replay brings HTML that plays it without a kernel, which is put before
    its picture. What is on the page now stays as it is.
    """
    if model.get("type") != "notebook" or not isinstance(model.get("content"), dict):
        return
    for cell in model["content"].get("cells", []):
        outputs = []
        for output in cell.get("outputs", []):
            view = output.get("data", {}).pop(_WIDGET_VIEW, None)
            if view is not None:
                output.get("metadata", {}).pop(_WIDGET_VIEW, None)
                if isinstance(view, dict) and view.get("alone"):
                    outputs.append(_html(view["alone"]))
            outputs.append(output)
        if outputs:
            cell["outputs"] = outputs
    model["content"].get("metadata", {}).pop("widgets", None)


def _html(text: str) -> dict[str, Any]:
    data = {"text/html": text, "text/plain": ""}
    return {"output_type": "display_data", "data": data, "metadata": {}}
