"""accounts/<account>/statement.html: what is sent to a customer. It holds nothing of any other account.

What belongs here: what a statement says. What does not: its looks (templates), the lists beside it (account_files).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from orchestration.report import drawings, words
from orchestration.report.pages import NUMBER, TEXT, Cell, Chart, Page, Row, Table, grouped, rows_of

# Everything a statement shows, read once for all accounts: as many queries as tables, however many accounts.
QUERIES = {
    "invoices": """
        select invoices.*, plans.rate_plan_name
        from books.invoices as invoices
        left join (select distinct contract_id, rate_plan_id from books.contracts) as contracts
            on invoices.contract_id = contracts.contract_id
        left join (select distinct rate_plan_id, rate_plan_name from books.rate_plans) as plans
            on contracts.rate_plan_id = plans.rate_plan_id
        qualify row_number() over (partition by invoice_id order by plans.rate_plan_id) = 1
        order by account_id, contract_id""",
    "lines": """
        select * from books.invoice_lines
        order by
            account_id, contract_id,
            list_position(['subscription', 'charge', 'adjustment', 'credit'], line_kind), invoice_line_id""",
    "tiers": """
        select lines.contract_id, lines.description, lines.currency_code, tiers.*
        from books.invoice_line_tiers as tiers
        join books.invoice_lines as lines using (invoice_line_id)
        order by contract_id, invoice_line_id, tier_from""",
    "sites": """
        select contract_id, site_id, currency_code, sum(sites.amount)::decimal(38, 4) as amount
        from books.invoice_line_sites as sites
        join books.invoice_lines as lines using (invoice_line_id)
        group by all order by contract_id, site_id""",
    "days": """
        select contract_id, activity_date, sum(quantity)::decimal(38, 6) as quantity
        from books.daily_usage where meter = 'dar' and contract_id is not null group by all order by all""",
    "compositions": """
        select contract_id, composition, count(*) as dars
        from books.daily_active_relationships where contract_id is not null group by all order by all""",
    "usage": "select * from books.usage_to_date order by contract_id, meter",
    "users": "select * from books.platform_users order by contract_id",
    "held": "select distinct contract_id from books.held_contracts",
}


@dataclass(frozen=True)
class Part:
    """A part of a document under its own heading."""

    title: str
    texts: list[str] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Material:
    """The books' rows for all statements, by account or contract, and the words they need."""

    period: date
    status: str
    facts: list[tuple[str, str]]
    names: Mapping[str, str]  # account -> name
    units: Mapping[str, int]  # currency -> minor units
    meters: Mapping[str, Row]
    invoices: Mapping[str, list[Row]]  # by account
    of_contract: Mapping[str, Mapping[str, list[Row]]]  # table -> contract -> rows

    def rows(self, table: str, contract: str) -> list[Row]:
        """A contract's rows of a table."""
        return self.of_contract[table].get(contract, [])


def read_material(books: Any, facts: list[tuple[str, str]]) -> Material:
    """Read what all statements need: one query a table."""
    connection = books.connection
    read = {name: rows_of(connection, query) for name, query in QUERIES.items()}
    return Material(
        period=books.period,
        status=books.status,
        facts=facts,
        names={
            row["account_id"]: row["account_name"] or row["account_id"]
            for row in rows_of(connection, "select account_id, account_name from books.accounts order by account_id")
        },
        units={row["currency_code"]: row["minor_units"] for row in rows_of(connection, "from books.currencies")},
        meters={row["meter"]: row for row in rows_of(connection, "from books.meters")},
        invoices=grouped(read["invoices"], "account_id"),
        of_contract={name: grouped(rows, "contract_id") for name, rows in read.items()},
    )


def statement(material: Material, account_id: str, files: Table) -> Page:
    """One account's statement, from its own rows alone."""
    documents = [_document(material, invoice) for invoice in material.invoices[account_id]]
    name, month = material.names.get(account_id, account_id), words.month_name(material.period)
    return Page(
        title=f"Statement of {month} for {name}",
        status=material.status,
        facts=material.facts,
        content={
            "heading": [
                ("Account", account_id),
                ("Month", f"{month} (the sites' own calendar days)"),
                ("Status", "final" if material.status == "final" else "draft, not an invoice"),
            ],
            "totals": _totals(material, material.invoices[account_id]),
            "documents": documents,
            "files": files,
        },
    )


def _totals(material: Material, invoices: list[Row]) -> list[dict[str, str]]:
    """What is to be paid, by currency; held documents apart, for they are not billed now."""
    totals = []
    for currency, rows in grouped(invoices, "currency_code").items():
        for is_held in (False, True):
            chosen = [row for row in rows if (row["status"] == "held") == is_held]
            if chosen:
                figure = words.amount(sum((row["amount"] for row in chosen), Decimal(0)), currency, material.units)
                count = f"{len(chosen)} document{'' if len(chosen) == 1 else 's'}"
                totals.append({"figure": figure, "words": f"held back, not billed ({count})" if is_held else count})
    return totals


def _document(material: Material, invoice: Row) -> dict[str, Any]:
    contract, currency = invoice["contract_id"], invoice["currency_code"]
    lines = material.rows("lines", contract)
    kind = words.DOCUMENTS.get(invoice["document_type"], invoice["document_type"])
    number = invoice["document_number"] or f"{invoice['status']}, without a number"
    facts = [
        ("Contract", contract),
        ("Rate plan", invoice["rate_plan_name"] or ""),
        ("Purchase order", invoice["purchase_order"] or "none stated"),
        ("Service dates", words.span(invoice["service_from"], invoice["service_to"])),
        ("Issued", words.day(invoice["issue_date"]) or "when the month is closed"),
        ("Due", words.day(invoice["due_date"]) or ("on issue" if invoice["issue_date"] else "after issue")),
    ]
    parts = [
        _tiers(material, contract),
        _usage(material, contract),
        _credits(material, lines, currency),
        _adjustments(material, lines, currency),
        _sites(material, contract, currency),
        _users(material, contract),
    ]
    return {
        "title": f"{kind} {number}: contract {contract}",
        "is_held": invoice["status"] == "held",
        "facts": facts,
        "lines": _lines(material, lines, invoice),
        "parts": [part for part in parts if part is not None],
    }


def _lines(material: Material, lines: list[Row], invoice: Row) -> Table:
    currency, units = invoice["currency_code"], material.units
    rows: list[list[str | Cell]] = []
    for line in lines:
        meter = material.meters.get(line["meter"], {})
        rows.append([
            words.line_title(line, lines),
            words.span(line["usage_from"], line["usage_to"]) or words.month_code(line["usage_period"]),
            words.quantity(line["quantity"]) if line["line_kind"] != "subscription" else "",
            (meter.get("unit") or "") if line["line_kind"] != "subscription" else "",
            words.quantity(line["included_quantity"]) if line["included_quantity"] else "",
            words.quantity(line["billable_quantity"]) if line["line_kind"] == "charge" else "",
            _priced(line, currency, units),
            words.amount(line["amount"], currency, units),
        ])  # fmt: skip
    columns = [
        ("Line", TEXT), ("Usage dates", TEXT), ("Quantity", NUMBER), ("Unit", TEXT), ("Included", NUMBER),
        ("Charged for", NUMBER), ("Price", NUMBER), ("Amount", NUMBER),
    ]  # fmt: skip
    total = words.amount(invoice["amount"], currency, units)
    return Table("Lines; both dates belong to the usage", columns, rows, [["Total", "", "", "", "", "", "", total]])


def _priced(line: Row, currency: str, units: Mapping[str, int]) -> str:
    """A unit's or block's price, and whether it is derived (SPEC P5); tiers stand apart."""
    if line["unit_price"] is None:
        return "tiers" if line["charge_model"] in ("graduated", "volume") and line["line_kind"] == "charge" else ""
    price = words.price(line["unit_price"], currency, units)
    block = line["block_size"]
    each = f"{price} for {words.quantity(block)}" if block is not None and block != 1 else price
    return f"{each} (derived)" if line["price_basis"] == "derived" else each


def _tiers(material: Material, contract: str) -> Part | None:
    tiers = material.rows("tiers", contract)
    if not tiers:
        return None
    rows = [
        [
            tier["description"],
            f"{words.quantity(tier['tier_from'])} to {words.quantity(tier['tier_to']) or 'no end'}",
            words.quantity(tier["quantity"]),
            words.price(tier["unit_price"], tier["currency_code"], material.units),
            words.price(tier["flat_price"], tier["currency_code"], material.units),
            words.amount(tier["amount"], tier["currency_code"], material.units),
        ]
        for tier in tiers
    ]
    columns = [
        ("Line", TEXT), ("Tier, above to and with", TEXT), ("Quantity", NUMBER), ("Unit price", NUMBER),
        ("Flat price", NUMBER), ("Amount before rounding", NUMBER),
    ]  # fmt: skip
    return Part("Tiers", tables=[Table("Tiers that the lines entered", columns, rows)])


def _usage(material: Material, contract: str) -> Part:
    """DARs by day against the allowance, and by who took part."""
    days = {row["activity_date"]: row["quantity"] for row in material.rows("days", contract)}
    if not days:
        return Part("Daily Active Relationships (DARs)", ["No consumer was active in this month."])
    included = next(
        (row["included_quantity"] for row in material.rows("usage", contract) if row["meter"] == "dar"), None
    )
    until = max(days) if material.status == "draft" else None
    drawn = [drawings.burn_down(material.period, days, included, until)]
    counts = {row["composition"]: row["dars"] for row in material.rows("compositions", contract)}
    if counts:
        drawn.append(drawings.composition(counts))
    return Part(
        "Daily Active Relationships (DARs)",
        ["A DAR is one consumer of one site active on one calendar day in the site's own time zone."],
        drawn,
    )


def _credits(material: Material, lines: list[Row], currency: str) -> Part | None:
    """Engagement credits of the month's own usage, by meter; parts of one month are added up."""
    charged = [line for line in lines if line["line_kind"] == "charge" and line["meter"]]
    rows = []
    for code, chosen in grouped(charged, "meter").items():
        meter = material.meters.get(code, {})
        has_credits = any(line["credits"] is not None for line in chosen)
        used = sum((line["credits"] or Decimal(0) for line in chosen), Decimal(0))
        rows.append([
            meter.get("description") or code,
            words.quantity(sum((line["quantity"] for line in chosen), Decimal(0))),
            meter.get("unit") or "",
            words.quantity(used) if has_credits else "priced without credits",
            words.amount(sum((line["amount"] for line in chosen), Decimal(0)), currency, material.units),
        ])  # fmt: skip
    if not rows:
        return None
    columns = [("Meter", TEXT), ("Usage", NUMBER), ("Unit", TEXT), ("Credits", NUMBER), ("Amount", NUMBER)]
    table = Table("Credits that this month's usage consumed", columns, rows)
    return Part("Engagement credits by meter", tables=[table])


def _adjustments(material: Material, lines: list[Row], currency: str) -> Part | None:
    chosen = [line for line in lines if line["line_kind"] in ("adjustment", "credit")]
    if not chosen:
        return None
    rows = [
        [
            words.line_title(line, lines),
            words.month_code(line["usage_period"]),
            words.quantity(line["billed_before_quantity"]),
            words.quantity(line["quantity"]),
            words.amount(line["billed_before_amount"], currency, material.units),
            words.amount(line["amount"], currency, material.units),
            words.reasons(line["reasons"]),
        ]
        for line in chosen
    ]
    columns = [
        ("Line", TEXT), ("Month of usage", TEXT), ("Billed before", NUMBER), ("Change", NUMBER),
        ("Amount before", NUMBER), ("Change of amount", NUMBER), ("Why", TEXT),
    ]  # fmt: skip
    total = words.amount(sum((line["amount"] for line in chosen), Decimal(0)), currency, material.units)
    return Part(
        "Adjustments of closed months and credits",
        ["What became known after a month was closed is charged or given back here; the closed month itself stays."],
        tables=[Table("Adjustments and credits", columns, rows, [["Total", "", "", "", "", total, ""]])],
    )


def _sites(material: Material, contract: str, currency: str) -> Part | None:
    sites = material.rows("sites", contract)
    if not sites:
        return None
    rows = [[site["site_id"], words.amount(site["amount"], currency, material.units)] for site in sites]
    total = words.amount(sum((site["amount"] for site in sites), Decimal(0)), currency, material.units)
    return Part("Sites", tables=[
        Table("The amount by site, by usage", [("Site", TEXT), ("Amount", NUMBER)], rows, [["All sites", total]])
    ])  # fmt: skip


def _users(material: Material, contract: str) -> Part | None:
    users = material.rows("users", contract)
    if not users:
        return None
    rows: list[list[str | Cell]] = [
        [
            contract,
            words.quantity(row["provisioned_users"]),
            words.quantity(row["active_users"]),
            words.quantity(row["user_limit"]) or "none",
            Cell("above the limit", tone="warn") if row["is_breach"] else "within the limit",
        ]
        for row in users
    ]
    columns = [
        ("Contract", TEXT), ("Provisioned, at most", NUMBER), ("Active", NUMBER), ("Limit", NUMBER), ("Finding", TEXT)
    ]  # fmt: skip
    return Part("Platform users", tables=[Table("Platform users of the month; reported, not charged", columns, rows)])
