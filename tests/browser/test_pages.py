"""The report and the statements, opened from disk as finance and a customer open them, without a network."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from end_to_end.commands import reading
from end_to_end.story_demo import CLOSED, DRAFTED, Demo

from browser.chromium import A4, PHONE, WIDE, Browser

PERIODS = {CLOSED: "final", DRAFTED: "draft"}
FIGURES = """
const rows = [];
for (const table of document.querySelectorAll('table'))
  if (table.caption.textContent.trim() === arguments[0])
    for (const row of table.rows) rows.push([...row.cells].map(cell => cell.textContent.trim()));
return rows"""
DRAWINGS = """
return [...document.querySelectorAll('.drawing')].map(drawing => ({
  label: drawing.getAttribute('aria-label'),
  marks: [...drawing.querySelectorAll('svg .role-mark path')].filter(mark => {
    const box = mark.getBoundingClientRect(); return box.width > 0.5 && box.height > 0.5; }).length,
  width: drawing.querySelector('svg').getBoundingClientRect().width,
}))"""


@pytest.fixture(scope="session")
def pages(demo_story: Demo) -> dict[str, Path]:
    """Every page of the demo's two months as its first run left them, by a short name."""
    found = {}
    for period in PERIODS:
        for path in sorted((demo_story.first_exports / period).rglob("*.html")):
            account = "" if path.parent.name == period else f" {path.parent.name}"
            found[f"{period}{account}"] = path
    assert len(found) == 2 * (1 + 6)
    return found


@pytest.fixture(scope="session")
def published(demo_story: Demo) -> Any:
    with reading(demo_story.published) as connection:
        yield connection


def decimal(text: str) -> Decimal:
    return Decimal(text.split()[0].replace(",", ""))


def test_every_page_opens_at_any_width_without_a_complaint(pages: dict[str, Path], browser: Browser) -> None:
    browser.command("Network.enable")
    browser.command(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
    )
    try:
        for name, path in pages.items():
            for width in (WIDE, 768, PHONE):
                browser.open(path.as_uri(), width)
                complaints, asked = browser.logs()
                assert not complaints, name
                assert [address for address in asked if not address.startswith("file:")] == [], name
                assert browser.overflow() <= 0, f"{name} at {width} px"
                if width != 768 and (name in PERIODS or name.endswith("harbour")):
                    browser.screenshot(f"{name} {width}".replace(" ", "_"))
    finally:
        browser.command(
            "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )


def test_axe_finds_nothing_serious(pages: dict[str, Path], browser: Browser) -> None:
    for name, path in pages.items():
        for width in (WIDE, PHONE) if name in PERIODS or name.endswith(("harbour", "hoshizora")) else (PHONE,):
            browser.open(path.as_uri(), width)
            assert browser.violations() == [], f"{name} at {width} px"


def test_axe_would_find_something(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages[DRAFTED].as_uri())
    browser.run("document.querySelector('main p').style.color = '#cccccc'")
    browser.run("document.querySelector('.drawing').removeAttribute('aria-label')")
    assert {each.split(":")[0] for each in browser.violations()} == {"color-contrast", "role-img-alt"}


def test_every_drawing_has_marks_and_words(pages: dict[str, Path], browser: Browser) -> None:
    for name, path in pages.items():
        for width in (WIDE, PHONE):
            browser.open(path.as_uri(), width)
            drawings = browser.run(DRAWINGS)
            assert len(drawings) >= 2, name
            for drawing in drawings:
                assert drawing["marks"] > 0, f"{name}: {drawing['label']}"
                assert drawing["label"].endswith("."), name
                assert 250 < drawing["width"] <= width, name


def test_the_report_says_what_is_published(pages: dict[str, Path], browser: Browser, published: Any) -> None:
    for period in PERIODS:
        browser.open(pages[period].as_uri())
        rows = browser.run(FIGURES, "Amounts by currency")
        billed = rows[0].index("Billed")
        shown = {row[0]: decimal(row[billed]) for row in rows[1:]}
        wanted = published.execute(
            "select currency_code, sum(amount) from billing.fct_invoice_lines "
            "where billing_period = ?::date group by 1", [f"{period}-01"]
        ).fetchall()  # fmt: skip
        assert shown == dict(wanted)
        assert len(shown) == 3
        listed = browser.run(FIGURES, "Documents, with their statements")[1:]
        documents = published.execute(
            "select contract_id, amount, currency_code, coalesce(document_number, '') from billing.fct_invoices "
            "where billing_period = ?::date", [f"{period}-01"]
        ).fetchall()  # fmt: skip
        amount = browser.run(FIGURES, "Documents, with their statements")[0].index("Amount")
        assert {(row[1], decimal(row[amount]), row[amount].split()[1], row[3]) for row in listed} == set(documents)


def test_a_statement_says_what_is_published(pages: dict[str, Path], browser: Browser, published: Any) -> None:
    for name, path in pages.items():
        if name in PERIODS:
            continue
        period, account = name.split()
        browser.open(path.as_uri())
        shown = [decimal(text) for text in browser.run(
            "return [...document.querySelectorAll('.figures .figure')].map(figure => figure.textContent)"
        )]  # fmt: skip
        wanted = published.execute(
            "select sum(amount) from billing.fct_invoices where billing_period = ?::date and account_id = ?",
            [f"{period}-01", account],
        ).fetchall()
        assert shown == [wanted[0][0]], name
        days = browser.run(FIGURES, "DARs by day")
        drawn = sum(decimal(row[1]) for row in days[1:])
        (listed,) = path.parent.glob("dars*.csv")
        assert drawn == listed.read_bytes().count(b"\r\n") - 1 > 0, name
        if PERIODS[period] == "draft":  # a closed month stays as it was; what is published now knows more
            dars = published.execute(
                "select count(*) from usage.fct_daily_active_relationships as dars "
                "join reference.dim_site_days as days "
                "on dars.site_id = days.site_id and dars.activity_date = days.site_date "
                "where account_id = ? and strftime(activity_date, '%Y-%m') = ?", [account, period],
            ).fetchall()  # fmt: skip
            assert drawn == dars[0][0], name


def test_a_link_of_the_report_opens_the_statement(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages[DRAFTED].as_uri())
    browser.run("document.querySelector('#accounts').parentElement.querySelector('a[href]').click()")
    browser.until("the statement", lambda: "Statement of April 2026" in browser.driver.title, 10)


def test_a_page_can_be_read_by_keyboard(pages: dict[str, Path], browser: Browser) -> None:
    browser.open(pages[DRAFTED].as_uri())
    browser.press("Tab")
    browser.until("the skip link", lambda: browser.run("return document.activeElement.hash") == "#content", 10)
    browser.press("Enter")
    browser.until("the content", lambda: browser.run("return document.activeElement.id") == "content", 10)
    assert browser.run("return [...document.querySelectorAll('h1, h2, h3')].map(h => h.tagName)")[0] == "H1"
    assert browser.run("return document.querySelectorAll('table:not(:has(caption))').length") == 0
    assert browser.run("return document.querySelectorAll('main, header, footer, nav').length") == 4


def test_a_page_prints(pages: dict[str, Path], browser: Browser) -> None:
    for name, path in pages.items():
        if not (name in PERIODS or name.endswith("harbour")):
            continue
        browser.open(path.as_uri(), A4)
        browser.command("Emulation.setEmulatedMedia", media="print")
        try:
            assert browser.overflow() <= 0, name
            heads = browser.run(
                "return [...document.querySelectorAll('thead')].filter(head => head.offsetParent)"
                ".map(head => getComputedStyle(head).display)"
            )
            assert set(heads) == {"table-header-group"}
            mark = browser.run(
                "const mark = document.querySelector('.watermark'); return mark && getComputedStyle(mark).display"
            )
            assert mark == ("block" if PERIODS[name.split()[0]] == "draft" else None)
        finally:
            browser.command("Emulation.setEmulatedMedia", media="")
        pdf = browser.pdf(name.replace(" ", "_"))
        assert pdf.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2, name


def test_a_draft_cannot_be_taken_for_an_invoice(pages: dict[str, Path], browser: Browser) -> None:
    for name, path in pages.items():
        browser.open(path.as_uri(), PHONE)
        is_draft = PERIODS[name.split()[0]] == "draft"
        assert browser.driver.title.startswith("DRAFT") == is_draft, name
        assert ("DRAFT – not an invoice" in browser.text()) == is_draft, name
        browser.run("window.scrollTo(0, document.body.scrollHeight)")
        in_sight = browser.run(
            "const mark = document.querySelector('.mark'); return !!mark && mark.getBoundingClientRect().bottom > 0"
        )
        assert in_sight == is_draft, name
