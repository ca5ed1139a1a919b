"""A small client of the W3C WebDriver protocol, for driving headless Chromium through chromedriver."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def browser() -> str | None:
    """The browser's program, or None where browser or driver is missing."""
    if shutil.which("chromedriver") is None:
        return None
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Browser:
    """A headless browser without a network; closes when the ``with`` block ends."""

    def __init__(
        self,
        *,
        width: int = 1280,
        height: int = 900,
        downloads: Path | None = None,
        dark: bool = False,
        phone: bool = False,
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._url = f"http://127.0.0.1:{port}"
        options: dict[str, Any] = {
            "binary": browser(),
            # Every name but this machine's resolves to nothing: a page that asked for something would not get it.
            "args": [
                *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
                *(f"--window-size={width},{height}", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
            ],
        }
        if phone:
            metrics = {"width": width, "height": height, "pixelRatio": 2.0, "touch": True}
            options["mobileEmulation"] = {"deviceMetrics": metrics}
        if downloads is not None:
            options["prefs"] = {"download.default_directory": str(downloads), "download.prompt_for_download": False}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._session = ""
        made = self._wait_for_driver({"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{made['sessionId']}"
        if dark:
            features = [{"name": "prefers-color-scheme", "value": "dark"}]
            self.devtools("Emulation.setEmulatedMedia", features=features)

    def _wait_for_driver(self, body: dict[str, Any]) -> Any:
        for _ in range(100):
            try:
                return self._send("POST", "/session", body)
            except (ConnectionError, urllib.error.URLError):
                time.sleep(0.1)
        raise RuntimeError("chromedriver did not start")

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(
            self._url + self._session + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"][:500]) from None

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._send("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait(10)

    def open(self, path: Path) -> None:
        """Open a file as ``file://``."""
        self._send("POST", "/url", {"url": path.resolve().as_uri()})

    def run(self, script: str) -> Any:
        """Run JavaScript in the page and return what it returns."""
        return self._send("POST", "/execute/sync", {"script": script, "args": []})

    def click(self, selector: str) -> None:
        """Click the first element of a CSS selector, as a mouse would, once it is in the middle of the window."""
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        self._send("POST", f"/element/{found[_ELEMENT]}/click")

    def press(self, *keys: str) -> None:
        """Press and release keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def text(self, selector: str) -> str:
        """The text of an element as it is seen."""
        return str(self.run(f"return document.querySelector({json.dumps(selector)}).innerText"))

    def seen(self, selector: str) -> bool:
        """Whether an element takes up room."""
        return bool(self.run(f"return document.querySelector({json.dumps(selector)}).offsetParent !== null"))

    def messages(self) -> list[str]:
        """What the console says: errors, and refusals of the page's security policy."""
        return [entry["message"] for entry in self._send("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self._send("GET", "/screenshot")))

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})
