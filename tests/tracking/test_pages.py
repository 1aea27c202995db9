"""The pages of a search in a real browser, behind the links that `kzoo tune` prints: what is drawn there without a further click."""

import importlib.util
from pathlib import Path

import pytest

from kzoo import Store, tune

from ..search.test_searching import SPACE, named

pytest.importorskip("playwright.sync_api", reason="the pages are opened by playwright, which is not installed")

SCRIPT = Path(__file__).parents[2] / "docs" / "pages.py"
HEADINGS = "() => [...document.querySelectorAll('.ag-header-cell')].map(cell => cell.getAttribute('col-id'))"
ROWS = "() => [...document.querySelectorAll('.ag-row [col-id*=score]')].map(cell => parseFloat(cell.textContent))"


def script():
    spec = importlib.util.spec_from_file_location("pages", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = script()
pytestmark = [pytest.mark.processes, pytest.mark.skipif(pages.CHROMIUM is None, reason="no chromium is installed")]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Two searches in one experiment, of which the pages are to show one."""
    folder = tmp_path_factory.mktemp("project")
    store = Store(root=folder / "mlruns")
    tune(named(folder, "other", domains={"model.filters": [2, 6]}), store=store, progress=None)
    return folder, tune(named(folder, "shown"), store=store, progress=None)


@pytest.fixture(scope="module")
def opened(found):
    """Opens one of the search's pages by its name."""
    folder, search = found
    with pages.served(folder) as address, pages.browser() as open_page:
        yield lambda name: open_page(search.pages[name].replace("http://127.0.0.1:5000", address), 1900, 1700)


def test_the_table_shows_the_trials_of_this_search_the_best_first(opened, found):
    page = opened("table")
    page.wait_for_selector(".ag-row")
    page.wait_for_timeout(2000)
    columns = [column for column in page.evaluate(HEADINGS) if column and "`" in column]
    costs = [f"metrics.`cost/{name}`" for name in ("parameters_total", "macs", "seconds")]
    hyperparameters = [f"params.`{name}`" for name in ("filters", "upsampling")]
    assert columns == ["attributes.`Run Name`", "metrics.`search/score`", *hyperparameters, *costs]
    shown = page.evaluate(ROWS)
    assert shown == pytest.approx([o.score for o in found[1].ranking], abs=1e-3)
    assert len(shown) == len(SPACE["domains"]["model.filters"]) * len(SPACE["domains"]["model.upsampling"])


def test_the_charts_are_parallel_coordinates_and_the_predictions_of_every_trial(opened):
    page = opened("charts")
    page.wait_for_function(pages.DRAWN)
    labels = page.evaluate("() => [...document.querySelectorAll('svg text.label')].map(label => label.textContent)")
    assert labels == ["filters", "upsampling", "cost/macs", "search/score"]
    drawn = "() => document.querySelector('canvas.foreground').getContext('2d').getImageData(0, 0, 800, 300).data.some(value => value)"
    page.wait_for_function(drawn)
    page.wait_for_function("() => [...document.images].filter(image => image.naturalWidth > 100).length >= 16")
    assert page.get_by_text("No image logged").count() == 0


def test_the_note_leads_to_the_trials(opened, found):
    best = found[1].best
    page = opened("ranking")
    page.get_by_text("Show more").first.click()
    with page.context.expect_page() as opening:
        page.get_by_role("link", name=best.trial, exact=True).last.click()
    child = opening.value
    child.get_by_text("Parent run", exact=True).wait_for()
    assert f"/runs/{best.run_id}" in child.url
    assert child.get_by_text("Model registry").count() == 1


def test_the_note_leads_to_the_table(opened):
    page = opened("ranking")
    with page.context.expect_page() as opening:
        page.get_by_role("link", name="All trials, sorted by score").click()
    table = opening.value
    table.wait_for_selector(".ag-row")
    table.get_by_text("4 matching runs").wait_for()
