"""Jupyter opens on the first notebook; its launcher has the Stream Operation page of the demo."""

from importlib.util import find_spec

c = get_config()  # noqa: F821 - Jupyter gives it

c.LabApp.default_url = "/lab/tree/notebooks/01_first_job.ipynb"

c.ServerProxy.servers = {
    "dashboard": {
        "command": [
            "panel", "serve", f"{find_spec('streamops_nb').submodule_search_locations[0]}/app.py",
            "--port", "{port}",
            "--prefix", "{base_url}dashboard",
            # the proxy is in front, and asks for Jupyter's token
            "--allow-websocket-origin", "*",
            "--args", "demo.streamops",
        ],
        "absolute_url": True,
        "timeout": 120,
        "new_browser_tab": True,
        "launcher_entry": {"title": "Stream Operation", "path_info": "dashboard/app"},
    }
}  # fmt: skip
