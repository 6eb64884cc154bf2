"""The app as a person starts it."""

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.app_process import as_shipped

ROOT = Path(__file__).parents[2]
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"]


class App:
    """A running app: `url`, and the folder its runs live in. folder: where its app.py is"""

    def __init__(self, home: Path, environment: dict | None = None, folder: Path = ROOT):
        self.home, self.folder = home, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.environment = {**as_shipped(), "FORECASTING_HOME": str(home), **(environment or {})}
        self.log = home / "app.log"
        self.process = None

    def start(self):
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port),
                 "--server.headless", "true"],
                cwd=self.folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5):
                    return self
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError(f"The app did not start:\n{self.log.read_text()[-3000:]}") from None
                time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
