"""Runs every command of docs/scale.md, in its order, with all the machines on this one, and trains a run on what they start.

    python benchmarks/walkthrough.py

Needs PostgreSQL running with its user `postgres`, the right to become that user, OpenSSL, Debian's Chromium, and a package
index for pip. It works in a clone of this folder, leaves nothing behind but the database's role, which it removes first, and
prints what became of each block. In the text, a comment before a block says what is special about it: `as USER`; `stays`, for a
server that is left running, and `port N` for where it answers.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from server import CHROMIUM_FLAGS  # noqa: E402
from steps import press_train  # noqa: E402

BLOCK = re.compile(r"(?:<!-- (?P<how>[^>]*) -->\n)?```sh\n(?P<commands>.*?)```", re.DOTALL)
PATIENCE = 900  # seconds
FORGET = "DROP DATABASE IF EXISTS forecasts", "DROP ROLE IF EXISTS forecasts"
# Waits until a server answers, or says what it printed.
WAIT = """
for second in $(seq 120); do
    if (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then break; fi
    if ! kill -0 $!; then cat {log}; exit 1; fi
    sleep 1
done
"""


def script(text: str) -> str:
    """All blocks as one script for bash, since what one exports the next ones need."""
    lines = ["set -e", "trap 'kill $(jobs -p)' EXIT"]
    for number, block in enumerate(BLOCK.finditer(text)):
        how, commands = block["how"] or "", block["commands"]
        words = dict(part.split(" ", 1) if " " in part else (part, "") for part in how.split("; ") if part)
        lines.append(f"echo 'block {number}: {commands.splitlines()[0][:70]!s}'".replace("\"", ""))
        if "as" in words:
            file = f"block-{number}.sh"
            lines.append(f"cat > {file} <<'END'\n{commands}END\nchmod a+r {file}; su {words['as']} -s /bin/bash < {file}")
        elif "stays" in words:
            log = f"block-{number}.log"
            lines.append(f"(\n{commands}) > {log} 2>&1 &")
            if "port" in words:
                lines.append(WAIT.format(port=words["port"], log=log))
        else:
            lines.append(commands)
    return "\n".join([*lines, "echo all is up", "read"])


def train_once(url: str) -> str:
    """Presses Train in a browser and waits for the scores."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.goto(f"{url}/Train?settings=%7B%22epochs%22%3A5%2C%22units%22%3A%5B8%5D%7D")
        press_train(page)
        expect(page.get_by_text("RMSE", exact=True).first).to_be_visible(timeout=300_000)
        words = page.get_by_test_id("stMetric").first.inner_text().replace("\n", " ")
        browser.close()
    return words


def main():
    for statement in FORGET:
        subprocess.run(["su", "postgres", "-c", f'psql -q -c "{statement}"'], check=True, cwd="/")
    with tempfile.TemporaryDirectory(prefix="walkthrough-") as folder:
        place = Path(folder) / "project"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(place)], check=True)
        place.parent.chmod(0o755)
        (place / ".venv").symlink_to(sys.prefix)
        (place / "walk.sh").write_text(script((place / "docs" / "scale.md").read_text()))
        walk = subprocess.Popen(["bash", "walk.sh"], cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                env={"PATH": "/usr/bin:/bin", "HOME": folder, "FORECASTING_HOME": f"{folder}/home"})
        try:
            began = time.monotonic()
            for line in walk.stdout:
                print(f"{time.monotonic() - began:5.0f} s  {line}", end="", flush=True)
                if line == "all is up\n":
                    print(f"trained: {train_once('http://localhost:8501')}", flush=True)
                    return 0
            print("a command failed")
            return 1
        finally:
            walk.communicate("\n")


if __name__ == "__main__":
    sys.exit(main())
