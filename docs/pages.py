"""Takes the README's pictures of MLflow's pages: the trials of a search as a table, in parallel coordinates, with their predictions.

kzoo tune unet_filters --set search.trials=24 && python docs/pages.py unet_filters

Run it in the folder in which the search was made. It needs playwright (pip install playwright) and the system's chromium.
"""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WAIT = 60
"""Seconds that the server and each page are given."""

MOST = 300_000
"""Bytes of a picture."""

CARD = "[data-testid=experiment-view-compare-runs-card]"
DRAWN = "() => [...document.querySelectorAll('svg text.label')].some(label => label.textContent == 'search/score')"
LOADED = "() => [...document.images].filter(image => image.naturalWidth > 100).length >= 4"


def main(search: str) -> None:
    from kzoo import Store
    from kzoo.search.plan import read_plan
    from kzoo.tracking.views import runs_page

    store = Store(create=False)
    key = f"search-{read_plan(store, search)['id']}"
    names = {name: experiment for experiment, name in store.experiments().items()}
    experiment = names[store.get(key).experiment]
    with served(Path()) as address, browser() as open_page:
        table = open_page(f"{address}/{runs_page(experiment, key)}", 2000, 860)
        table.wait_for_selector(".ag-row")
        save(table.locator(".ag-root-wrapper"), "search_table.png")
        charts = open_page(f"{address}/{runs_page(experiment, key, 'charts')}", 1480, 1700)
        charts.wait_for_function(DRAWN)
        save(charts.locator(CARD).nth(0), "search_compare.png")
        charts.set_viewport_size({"width": 1780, "height": 1800})
        charts.wait_for_function(LOADED)
        show_best(charts)
        save(charts.locator(CARD).nth(1), "search_images.png")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the pages of a folder's runs, as `kzoo ui` serves them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "kzoo.cli", "ui", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        if not any("experiments" in line for line in server.stdout):
            raise RuntimeError(f"kzoo ui ended with {server.wait(WAIT)}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(WAIT)


@contextmanager
def browser() -> Iterator:
    """A function that opens an address, for a width and a height, in chromium; MLflow's assistant stays closed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = chromium.new_context()
        context.set_default_timeout(WAIT * 1000)
        context.add_init_script("localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true')")

        def open_page(address: str, width: int = 1500, height: int = 1000):
            page = context.new_page()
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address, wait_until="domcontentloaded")
            return page

        yield open_page
        chromium.close()


def show_best(page) -> None:
    """Scrolls the image grid to its right end, where MLflow puts the first run."""
    page.evaluate(
        """card => [...document.querySelectorAll(card)[1].querySelectorAll('*')]
            .filter(part => ['auto', 'scroll'].includes(getComputedStyle(part).overflowX))
            .forEach(part => part.scrollLeft = 1e6)""",
        CARD,
    )


def save(part, name: str) -> None:
    """A picture of a part of a page, once it has come to rest."""
    part.page.wait_for_timeout(2000)
    path = FOLDER / name
    part.screenshot(path=path)
    size = path.stat().st_size
    print(f"{path}: {size:,} bytes")
    if size > MOST:
        raise RuntimeError(f"{path}: expected at most {MOST:,} bytes.")


if __name__ == "__main__":
    main(*sys.argv[1:])
