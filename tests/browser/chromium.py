"""A headless Chromium that reaches nothing but this machine, and what can be asked of a page in it."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service

HERE = Path(__file__).resolve().parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = HERE / "screenshots"  # for people to look at; git ignores them
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--proxy-server=127.0.0.1:9",  # nobody answers there; Chromium asks no proxy for 127.0.0.1 itself
)  # fmt: skip
WIDE, PHONE, A4 = 1280, 390, 695  # CSS pixels; A4 inside the margins of the print style
TALLEST = 6000
PATIENCE = 240.0  # seconds for what a page is waited for: the machine may be busy with other tests
KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}  # Windows key code, what it types
SERIOUS = {"serious", "critical"}

T = TypeVar("T")


class Browser:
    """One Chromium. `log` is emptied by reading it."""

    def __init__(self) -> None:
        missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
        if missing or not AXE.is_file():
            raise RuntimeError(f"run tests/browser/install.sh first: {', '.join(missing) or AXE.name} is not there")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in FLAGS:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_page_load_timeout(PATIENCE)
        SCREENSHOTS.mkdir(exist_ok=True)

    def close(self) -> None:
        """End it."""
        self.driver.quit()

    def command(self, name: str, **arguments: Any) -> dict[str, Any]:
        """One of Chromium's own commands."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def size(self, width: int, height: int = 900) -> None:
        """The window, or the screen of a phone."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    def open(self, address: str, width: int = WIDE) -> None:
        """A page at a width, with empty logs: the page before it is left first, and complains no more."""
        self.size(width)
        self.driver.get("about:blank")
        self.logs()
        self.driver.get(address)

    def press(self, key: str) -> None:
        """Tab or Enter, as a person presses it; the page has the focus as if its window were in front."""
        self.command("Page.bringToFront")
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)
        code, text = KEYS[key]
        self.command("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, text=text)
        self.command("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def run(self, script: str, *arguments: Any) -> Any:
        """JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def logs(self) -> tuple[list[str], list[str]]:
        """What the console complained of, and every address that was asked for, since the last look."""
        complaints = [
            entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
        ]
        asked = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        return complaints, asked

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return self.run(
            "return Math.max(document.scrollingElement.scrollWidth, document.body.scrollWidth) - innerWidth"
        )

    def violations(self) -> list[str]:
        """What axe-core finds serious or worse, with the element."""
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document, {resultTypes: ['violations']})"
            ".then(r => done(r.violations), e => done([{impact: 'critical', id: String(e), nodes: []}]))"
        )
        return [
            f"{each['id']}: {node.get('html', '')[:160]}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"] or [{}]
        ]

    def screenshot(self, name: str) -> Path:
        """The whole page as a picture."""
        box = self.run("const e = document.documentElement; return [innerWidth, Math.max(e.scrollHeight, innerHeight)]")
        clip = {"x": 0, "y": 0, "width": box[0], "height": min(box[1], TALLEST), "scale": 1}
        data = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(data))
        return path

    def pdf(self, name: str) -> bytes:
        """The page as it prints."""
        data = base64.b64decode(self.command("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
        (SCREENSHOTS / f"{name}.pdf").write_bytes(data)
        return data

    def until(self, what: str, answer: Callable[[], T], patience: float = PATIENCE) -> T:
        """The first answer that is true, however often the page redraws itself; else a picture and an error."""
        end = time.monotonic() + patience
        problem = ""
        while time.monotonic() < end:
            try:
                found = answer()
                if found:
                    return found
            except WebDriverException as error:  # the page changed under our hands
                problem = (error.msg or "").splitlines()[0] if error.msg else ""
            time.sleep(0.3)
        picture = self.screenshot(f"not {what}".replace(" ", "_").replace("/", "_"))
        raise AssertionError(f"{what}: not seen in {patience:.0f} s ({problem}); see {picture.name}")

    def text(self) -> str:
        """All that can be read on the page."""
        return self.run("return document.body.innerText")
