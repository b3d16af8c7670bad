"""Dagster's pages: the graph tells the flow, a gate that fails is red and says why, a month runs at a click."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser.chromium import Browser
from browser.conftest import Server

PERIOD = "2026-05"
BROKEN = 20_000  # lines that no one can read: more than max_rejected_share of everything
CHECK = "few_records_are_rejected"
FLOW = ("raw", "staging", "intermediate", "billing", "delivery")
OURS = {"monthly_run", "monthly_close", "nightly_draft", "close_of_month", "new_landing_files", "failed_runs",
        "dead_runs"}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def large_window(browser: Browser) -> Iterator[None]:
    browser.size(1600, 1000)
    yield


def goto(browser: Browser, server: Server, path: str) -> None:
    browser.open(f"{server.address}{path}", 1600)


def launch(browser: Browser, server: Server, job: str) -> None:
    """Choose the month in the job's launchpad and press the button."""
    goto(browser, server, f"/locations/dar_ledger/jobs/{job}/playground")

    def chosen() -> bool:
        field = browser.driver.find_element(By.CSS_SELECTOR, 'input[placeholder="Partition"]')
        if field.get_attribute("value") == PERIOD:
            return True
        field.click()
        ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(
            PERIOD
        ).pause(0.8).send_keys(Keys.ENTER).perform()
        return False

    browser.until("the month is chosen", chosen)

    def launched() -> bool:
        if "/runs/" in browser.driver.current_url:
            return True
        for button in browser.driver.find_elements(By.XPATH, '//button[contains(., "Launch Run")]'):
            if button.is_enabled():
                button.click()
        return False

    browser.until("the run is launched", launched)


def run_status(browser: Browser) -> str:
    """What the run's page calls it, in the title that follows the run."""
    title = browser.driver.title
    return title.rsplit("[", 1)[-1].rstrip("]") if "[" in title else ""


def test_the_graph_tells_the_flow_from_left_to_right(browser: Browser, server: Server) -> None:
    goto(browser, server, "/asset-groups")
    places = browser.until(
        "the groups of the graph",
        lambda: (
            found
            if set(FLOW) <= set(found := browser.run(
                "return Object.fromEntries([...document.querySelectorAll('foreignObject, svg [id]')]"
                ".map(node => [node.textContent.trim().split(/\\s/)[0], node.getBoundingClientRect().x]))"
            ))
            else None
        ),
    )  # fmt: skip
    browser.screenshot("dagster_graph")
    across = [places[group] for group in FLOW]
    assert across == sorted(across)
    assert len(set(across)) == len(FLOW)


def test_the_lists_hold_nothing_but_ours(browser: Browser, server: Server) -> None:
    for page, names in (
        ("/jobs", {"monthly_run", "monthly_close"}),
        ("/automation", {"nightly_draft", "close_of_month", "new_landing_files", "failed_runs"}),
    ):
        goto(browser, server, page)

        def listed() -> set[str]:
            # By their address: what a link says beside the name changes while the page loads.
            links = browser.run(
                "return [...document.querySelectorAll('a[href*=\"/locations/dar_ledger/\"]')]"
                ".map(link => link.getAttribute('href'))"
            )
            kinds = r"/locations/dar_ledger/(?:jobs|schedules|sensors|pipelines)/([^/?]+)"
            return {found[1] for link in links if (found := re.search(kinds, link))}

        browser.until(f"the list of {page}", lambda names=names, listed=listed: names <= listed())
        assert listed() <= OURS
        browser.screenshot(f"dagster{page.replace('/', '_')}")


def test_a_gate_that_fails_is_red_and_says_why_and_a_mended_month_succeeds(browser: Browser, server: Server) -> None:
    broken = server.home / "landing" / "function_invocations" / "broken.jsonl"
    broken.write_text('{"accountId": "broken\n' * BROKEN, encoding="utf-8")
    launch(browser, server, "monthly_run")
    browser.until("the run fails", lambda: run_status(browser) == "FAILURE")
    # The page has followed the run by itself, to its last event.
    browser.until("the failed step", lambda: "RUN_FAILURE" in browser.text(), 30)
    assert "gate_loaded" in browser.text()
    browser.screenshot("dagster_failed_run")

    goto(browser, server, f"/assets/raw/landing_files?view=checks&checkDetail={CHECK}")
    browser.until("the failed check", lambda: f"{CHECK} on raw.rejected_records" in browser.text())
    text = browser.text()
    assert f"{BROKEN:,}" in text or f"{BROKEN + 6:,}" in text
    assert "raw.rejected_records as rejected" in text  # the query that shows the rows
    assert "max_rejected_share" in text
    colours = browser.run(
        "return [...document.querySelectorAll('*')].filter(e => !e.children.length && e.textContent === 'Failed')"
        ".map(e => getComputedStyle(e).color.match(/\\d+/g).map(Number))"
    )
    assert any(red > green + 60 and red > blue + 60 for red, green, blue, *_ in colours), colours
    browser.screenshot("dagster_failed_check")

    broken.unlink()
    launch(browser, server, "monthly_run")
    browser.until("the run succeeds", lambda: run_status(browser) in ("SUCCESS", "FAILURE"))
    browser.screenshot("dagster_successful_run")
    assert run_status(browser) == "SUCCESS"
    assert (server.home / "exports" / PERIOD / "report.draft.html").is_file()

    goto(browser, server, "/assets/exports")
    browser.until("the exports' metadata", lambda: f"exports/{PERIOD}/report.draft.html" in browser.text())
    text = browser.text()
    for name in ("manifest.json", "invoice_lines.draft.csv", "workbook.draft.xlsx", "data_docs/index.html"):
        assert name in text, name
    browser.screenshot("dagster_exports")


def test_a_close_is_launchable_with_its_period(browser: Browser, server: Server) -> None:
    goto(browser, server, "/locations/dar_ledger/jobs/monthly_close/playground")
    browser.until(
        "the launchpad of the close",
        lambda: "Launch Run" in browser.text() and "closed_period" in browser.text() and browser.driver.find_element(
            By.CSS_SELECTOR, 'input[placeholder="Partition"]'
        ),
    )  # fmt: skip
    assert {"by:", "draft:"} <= set(browser.text().split())
    browser.screenshot("dagster_close")
