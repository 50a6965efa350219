"""What a kernel answers leaves the server at once, and saved notebooks keep their pictures."""

from __future__ import annotations

import asyncio
import copy
from types import SimpleNamespace

import nbformat

from helpers import server as extension


def test_connections_send_without_delay_and_work_as_before() -> None:
    seen = []

    class Connection:
        websocket_handler = SimpleNamespace(set_nodelay=lambda value: seen.append(value))

        async def connect(self) -> str:
            seen.append("connects")
            return "connected"

    name = "kernel_websocket_connection_class"
    hooks, later = [], []
    server = SimpleNamespace(
        web_app=SimpleNamespace(settings={name: Connection}),
        contents_manager=None,
        io_loop=SimpleNamespace(add_callback=later.append),
    )
    extension._load_jupyter_server_extension(server)
    server.contents_manager = SimpleNamespace(register_pre_save_hook=hooks.append)  # another one
    [register] = later
    register()
    prompt = server.web_app.settings[name]
    assert issubclass(prompt, Connection)
    assert asyncio.run(prompt().connect()) == "connected"
    assert seen == [True, "connects"]
    assert hooks == [extension.leave_views_out]


VIEW = "application/vnd.jupyter.widget-view+json"


def test_a_saved_notebook_keeps_pictures_and_leaves_views_out() -> None:
    shown = {VIEW: {"model_id": "1"}, "image/png": "abc", "text/plain": "A queue"}
    output = {"output_type": "display_data", "data": shown, "metadata": {VIEW: {}, "image/png": {}}}
    plain = {"output_type": "stream", "name": "stdout", "text": "hello"}
    cell = {"cell_type": "code", "source": "explore()", "outputs": [output, plain]}
    page = {
        "cells": [cell, {"cell_type": "markdown", "source": "text"}],
        "metadata": {"widgets": 1},
    }
    extension.leave_views_out({"type": "notebook", "content": page}, path="x.ipynb")
    assert cell["outputs"] == [
        {
            "output_type": "display_data",
            "data": {"image/png": "abc", "text/plain": "A queue"},
            "metadata": {"image/png": {}},
        },
        plain,
    ]
    assert page["metadata"] == {}


def test_a_replay_that_is_saved_plays_without_a_kernel() -> None:
    shown = {VIEW: {"model_id": "1", "alone": "<div>plays</div>"}, "image/png": "abc"}
    output = {"output_type": "display_data", "data": shown, "metadata": {}}
    page = {"cells": [{"cell_type": "code", "outputs": [output]}], "metadata": {}}
    extension.leave_views_out({"type": "notebook", "content": page}, path="x.ipynb")
    html, picture = page["cells"][0]["outputs"]
    assert html["data"]["text/html"] == "<div>plays</div>"
    assert picture["data"] == {"image/png": "abc"}
    nbformat.validate(
        nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
            {"cell_type": "code", "id": "a", "source": "", "execution_count": 1, "metadata": {},
             "outputs": [html]},
        ]})
    )  # fmt: skip
    before = copy.deepcopy(page)
    extension.leave_views_out({"type": "notebook", "content": page}, path="x.ipynb")
    assert page == before, "saved again, it stays as it is"


def test_what_is_no_notebook_is_saved_as_it_is() -> None:
    for model in ({"type": "file", "content": "text"}, {"type": "directory", "content": None}):
        before = dict(model)
        extension.leave_views_out(model, path="x")
        assert model == before


def test_the_settings_name_the_extension() -> None:
    [point] = extension._jupyter_server_extension_points()
    assert point["module"] == extension.__name__
