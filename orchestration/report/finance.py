"""report.html: a month as finance looks at it, over all accounts.

What belongs here: what the report says. What does not: its looks (templates), what a customer is told (statements).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from orchestration.books import Books
from orchestration.report import drawings, words
from orchestration.report.accounts import folders_of
from orchestration.report.origin import origin
from orchestration.report.pages import NUMBER, TEXT, Cell, Chart, Page, Row, Table, grouped, link, rows_of, write_page
from orchestration.tables import FileOfTable

TONES = {"held": "bad", "draft": "warn", "final": "good", "over": "bad", "near": "warn", "ok": "quiet"}
ZERO = Decimal(0)

DOCUMENTS = """
    select
        invoices.*, coalesce(accounts.account_name, invoices.account_id) as account_name,
        coalesce(adjusted.amount, 0)::decimal(38, 4) as adjusted
    from books.invoices as invoices
    left join books.accounts as accounts using (account_id)
    left join (
        select invoice_id, sum(amount) as amount from books.invoice_lines where line_kind = 'adjustment' group by 1
    ) as adjusted using (invoice_id)
    order by account_name, account_id, contract_id"""
TOTALS = """
    select
        currency_code,
        count(distinct invoice_id) as documents,
        sum(amount) filter (where line_kind = 'charge' and not is_held)::decimal(38, 4) as charge,
        sum(amount) filter (where line_kind = 'subscription' and not is_held)::decimal(38, 4) as subscription,
        sum(amount) filter (where line_kind = 'adjustment' and not is_held)::decimal(38, 4) as adjustment,
        sum(amount) filter (where line_kind = 'credit' and not is_held)::decimal(38, 4) as credit,
        sum(amount) filter (where not is_held)::decimal(38, 4) as billed,
        sum(amount) filter (where is_held)::decimal(38, 4) as held,
        sum(amount) filter (where price_basis = 'derived' and not is_held)::decimal(38, 4) as derived
    from (select *, status = 'held' as is_held from books.invoice_lines)
    group by currency_code order by currency_code"""
HELD = """
    select held.contract_id, contracts.account_id, held.check_name, sum(held.quantity)::decimal(38, 6) as quantity
    from books.held_contracts as held
    left join (select distinct contract_id, account_id from books.contracts) as contracts using (contract_id)
    group by all order by all"""
ADJUSTMENTS = """
    select * from books.invoice_lines where line_kind in ('adjustment', 'credit')
    order by account_id, contract_id, usage_period, invoice_line_id"""
CHARGED = """
    select distinct contract_id, charge_id, line_kind, description from books.invoice_lines
    where line_kind in ('charge', 'subscription') order by all"""
RUNNING = "select * from books.usage_to_date order by contract_id, meter"
DAYS = """
    select activity_date, sum(quantity)::decimal(38, 6) as quantity
    from books.daily_usage where meter = 'dar' group by 1 order by 1"""
COMPOSITIONS = "select composition, count(*) as dars from books.daily_active_relationships group by 1 order by 1"
RECONCILIATION = "select * from books.reconciliation order by check_name"
UNRATED = """
    select
        contract_id, site_id, meter, reason, min(activity_date) as first_date,
        sum(quantity)::decimal(38, 6) as quantity
    from books.unrated_usage group by all order by all"""
SERVICE_LEVELS = """
    select levels.*, coalesce(accounts.account_name, levels.account_id) as account_name
    from books.service_levels as levels
    left join books.accounts as accounts using (account_id)
    order by account_name, account_id, severity, kind"""
BREACHES = "select * from books.platform_users where is_breach order by contract_id"


@dataclass(frozen=True)
class Part:
    """A part of the report: its place among the contents, figures, sentences, drawings and tables."""

    id: str
    title: str
    texts: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)


def write_report(books: Books, folder: Path) -> list[FileOfTable]:
    """Write the report for finance into a period's folder."""
    connection = books.connection
    units = {row["currency_code"]: row["minor_units"] for row in rows_of(connection, "from books.currencies")}
    documents = rows_of(connection, DOCUMENTS)
    month = words.month_name(books.period)
    parts = [
        _totals(rows_of(connection, TOTALS), units),
        _accounts(books, documents, units),
        _held(rows_of(connection, HELD), rows_of(connection, UNRATED), documents, units),
        _adjusted(rows_of(connection, ADJUSTMENTS), rows_of(connection, CHARGED), units),
        *_running(books, rows_of(connection, RUNNING), documents, units),
        _usage(books),
        _support(rows_of(connection, SERVICE_LEVELS)),
        _reconciliation(rows_of(connection, RECONCILIATION)),
    ]
    page = Page(
        title=f"Billing of {month}",
        status=books.status,
        facts=origin(books.run),
        content={
            "heading": [
                ("Month", month),
                ("Status", "closed, final" if books.status == "final" else "draft"),
                ("Documents", words.quantity(len(documents))),
                ("Accounts", words.quantity(len({row["account_id"] for row in documents}))),
            ],
            "parts": parts,
        },
    )
    return [write_page(folder, books.file_name("report", "html"), "report.html", page)]


def _totals(totals: list[Row], units: Mapping[str, int]) -> Part:
    """By currency: what is billed and what of it is what; currencies are never added up."""
    kinds = ("charge", "subscription", "adjustment", "credit", "billed", "held", "derived")
    rows = [
        [
            row["currency_code"],
            words.quantity(row["documents"]),
            *(words.amount(row[kind] or ZERO, row["currency_code"], units) for kind in kinds),
        ]
        for row in totals
    ]
    columns = [
        ("Currency", TEXT), ("Documents", NUMBER), ("Usage", NUMBER), ("Subscriptions", NUMBER),
        ("Adjustments", NUMBER), ("Credits", NUMBER), ("Billed", NUMBER), ("Held, not billed", NUMBER),
        ("At derived prices", NUMBER),
    ]  # fmt: skip
    figures = [
        {
            "figure": words.amount(row["billed"] or ZERO, row["currency_code"], units),
            "words": f"billed in {row['currency_code']}"
            + (f", {words.amount(row['held'], row['currency_code'], units)} held" if row["held"] else ""),
        }
        for row in totals
    ]
    texts = [] if totals else ["No line falls in this month."]
    return Part("totals", "Totals by currency", texts, [Table("Amounts by currency", columns, rows)], figures=figures)


def _accounts(books: Books, documents: list[Row], units: Mapping[str, int]) -> Part:
    """The contents over accounts: each document with its way to the statement."""
    folders = folders_of(books)
    name = books.file_name("statement", "html")
    rows: list[list[str | Cell]] = [
        [
            Cell(row["account_name"], href=link(*folders[row["account_id"]].split("/"), name)),
            row["contract_id"],
            words.DOCUMENTS.get(row["document_type"], row["document_type"]),
            row["document_number"] or "",
            words.quantity(row["lines"]),
            words.amount(row["adjusted"], row["currency_code"], units) if row["adjusted"] else "",
            words.amount(row["amount"], row["currency_code"], units),
            Cell(row["status"], tone=TONES.get(row["status"])),
        ]
        for row in documents
    ]
    columns = [
        ("Account", TEXT), ("Contract", TEXT), ("Document", TEXT), ("Number", TEXT), ("Lines", NUMBER),
        ("Adjusted by", NUMBER), ("Amount", NUMBER), ("Status", TEXT),
    ]  # fmt: skip
    charts = []
    billed = [row for row in documents if row["status"] != "held" and row["amount"]]
    for currency, chosen in sorted(grouped(billed, "currency_code").items()):
        sums: dict[str, Decimal] = {}
        for row in chosen:
            sums[row["account_name"]] = sums.get(row["account_name"], ZERO) + row["amount"]
        charts.append(drawings.amounts(f"Billed in {currency} by account", currency, list(sums.items()), units))
    return Part("accounts", "Accounts", [], [Table("Documents, with their statements", columns, rows)], charts)


def _held(held: list[Row], unrated: list[Row], documents: list[Row], units: Mapping[str, int]) -> Part:
    """What is not billed now, and what it takes."""
    if not held and not unrated:
        return Part("held", "Held", ["Nothing is held and no usage is without a price."])
    amounts = {
        row["contract_id"]: words.amount(row["amount"], row["currency_code"], units)
        for row in documents
        if row["status"] == "held"
    }
    tables = []
    if held:
        tables.append(Table(
            "Contracts whose document is held",
            [("Contract", TEXT), ("Account", TEXT), ("Check", TEXT), ("Quantity", NUMBER), ("Amount held", NUMBER)],
            [
                [
                    row["contract_id"] or "(no contract)", row["account_id"] or "", row["check_name"].replace("_", " "),
                    words.quantity(row["quantity"]), amounts.get(row["contract_id"], ""),
                ]
                for row in held
            ],
        ))  # fmt: skip
    if unrated:
        tables.append(Table(
            "Usage that no term prices",
            [
                ("Contract", TEXT), ("Site", TEXT), ("Meter", TEXT), ("Why", TEXT), ("First date", TEXT),
                ("Quantity", NUMBER),
            ],
            [
                [
                    row["contract_id"] or "(no contract)", row["site_id"], row["meter"],
                    row["reason"].replace("_", " "), words.day(row["first_date"]), words.quantity(row["quantity"]),
                ]
                for row in unrated
            ],
        ))  # fmt: skip
    remedy = (
        "Map the usage, or release it with a row in acknowledgements.csv; "
        "a held document is billed at the close that follows its release."
    )
    return Part("held", "Held", [remedy], tables)


def _adjusted(lines: list[Row], charged: list[Row], units: Mapping[str, int]) -> Part:
    """What later knowledge changed of closed months, and credits."""
    if not lines:
        return Part("adjusted", "Adjusted", ["No closed month is adjusted and no credit is given."])
    charged_of = grouped(charged, "contract_id")
    rows = [
        [
            line["contract_id"],
            words.line_title(line, charged_of.get(line["contract_id"], [])),
            words.month_code(line["usage_period"]),
            words.quantity(line["billed_before_quantity"]),
            words.quantity(line["quantity"]),
            words.amount(line["billed_before_amount"], line["currency_code"], units),
            words.amount(line["amount"], line["currency_code"], units),
            words.reasons(line["reasons"]),
        ]
        for line in lines
    ]
    sums = {
        currency: words.amount(sum((row["amount"] for row in chosen), ZERO), currency, units)
        for currency, chosen in sorted(grouped(lines, "currency_code").items())
    }
    foot = [[f"All in {currency}", *[""] * 5, total, ""] for currency, total in sums.items()]
    columns = [
        ("Contract", TEXT), ("Line", TEXT), ("Month of usage", TEXT), ("Billed before", NUMBER), ("Change", NUMBER),
        ("Amount before", NUMBER), ("Change of amount", NUMBER), ("Why", TEXT),
    ]  # fmt: skip
    return Part("adjusted", "Adjusted", [], [Table("Adjustments of closed months and credits", columns, rows, foot)])


def _running(books: Books, usage: list[Row], documents: list[Row], units: Mapping[str, int]) -> list[Part]:
    """Alerts, and the running month: usage to date, the allowance, and where the month is heading."""
    breaches = rows_of(books.connection, BREACHES)
    title = "The running month" if books.status == "draft" else "Usage of the month"
    currency = {row["contract_id"]: row["currency_code"] for row in documents}

    def cells(row: Row) -> list[str | Cell]:
        code = currency.get(row["contract_id"], "")
        return [
            row["contract_id"],
            row["meter"],
            words.quantity(row["quantity"]),
            words.quantity(row["included_quantity"]) if row["included_quantity"] else "",
            words.percent(row["used_fraction"]),
            words.quantity(row["projected_quantity"]),
            words.amount(row["projected_amount"], code, units) if code else words.quantity(row["projected_amount"]),
            Cell(row["alert_level"], tone=TONES.get(row["alert_level"])),
        ]

    columns = [
        ("Contract", TEXT), ("Meter", TEXT), ("Usage to date", NUMBER), ("Included", NUMBER), ("Used", NUMBER),
        ("Projected", NUMBER), ("Projected amount", NUMBER), ("Alert", TEXT),
    ]  # fmt: skip
    alerts = [row for row in usage if row["alert_level"] != "ok"]
    texts, tables = [], []
    as_of = max((row["as_of"] for row in usage if row["as_of"]), default=None)
    said = f"Usage up to {as_of:%Y-%m-%d %H:%M} UTC, the latest counted instant." if as_of else ""
    if alerts:
        tables.append(Table("Alerts: allowances near their end or above it", columns, [cells(row) for row in alerts]))
    else:
        texts.append("No allowance is near its end.")
    if breaches:
        tables.append(Table(
            "More platform users than the plan allows; reported, not charged",
            [("Contract", TEXT), ("Provisioned, at most", NUMBER), ("Limit", NUMBER), ("Active", NUMBER)],
            [
                [row["contract_id"], words.quantity(row["provisioned_users"]), words.quantity(row["user_limit"]),
                 words.quantity(row["active_users"])]
                for row in breaches
            ],
        ))  # fmt: skip
    limited = [
        (
            f"{row['contract_id']}, {row['meter'].replace('_', ' ')}", row["used_fraction"],
            row["projected_quantity"] / row["included_quantity"],
        )
        for row in usage
        if row["included_quantity"] and row["used_fraction"] is not None and row["projected_quantity"] is not None
    ]  # fmt: skip
    charts = [drawings.allowances(limited)] if limited else []
    everything = [Table("Usage to date of every contract and meter", columns, [cells(row) for row in usage])]
    return [
        Part("alerts", "Alerts", texts, tables, charts),
        Part("running", title, [said or "No usage is counted yet."], everything if usage else []),
    ]


def _usage(books: Books) -> Part:
    """DARs of all accounts by day and by who took part."""
    days = {row["activity_date"]: row["quantity"] for row in rows_of(books.connection, DAYS)}
    if not days:
        return Part("usage", "Daily Active Relationships", ["No consumer was active in this month."])
    charts = [drawings.burn_down(books.period, days, None)]
    counts = {row["composition"]: row["dars"] for row in rows_of(books.connection, COMPOSITIONS)}
    if counts:
        charts.append(drawings.composition(counts))
    return Part("usage", "Daily Active Relationships", charts=charts)


def _support(levels: list[Row]) -> Part:
    """How support's promises of this month were kept; what was not judged stands beside."""
    if not levels:
        return Part("support", "Support service levels", ["No promise of a support case was due in this month."])
    counts = ("promises", "met", "missed", "open", "excused", "not_covered")
    rows: list[list[str | Cell]] = [
        [
            row["account_name"],
            row["severity"],
            words.PROMISES.get(row["kind"], row["kind"]),
            *(words.quantity(row[count]) for count in counts),
            Cell(words.percent(row["percent"]), tone="bad" if row["missed"] else None),
        ]
        for row in levels
    ]
    columns = [
        ("Account", TEXT), ("Severity", TEXT), ("Promise", TEXT), ("Promises", NUMBER), ("Met", NUMBER),
        ("Missed", NUMBER), ("Open", NUMBER), ("Excused", NUMBER), ("Not covered", NUMBER), ("Met of judged", NUMBER),
    ]  # fmt: skip
    met, missed = (sum(row[count] for row in levels) for count in ("met", "missed"))
    text = (
        f"{met + missed:,} promises of support cases were due in this month and judged, {met:,} of them met. "
        "Clocks run day and night and stand while the customer is waited for."
    )
    return Part("support", "Support service levels", [text], [Table("By account, severity and promise", columns, rows)])


def _reconciliation(checks: list[Row]) -> Part:
    """What must be equal, and is: nothing goes out with a difference (SPEC C6)."""
    rows: list[list[str | Cell]] = [
        [
            row["check_name"].replace("_", " "),
            words.quantity(row["left_total"]),
            words.quantity(row["right_total"]),
            Cell(words.quantity(row["difference"]), tone="bad" if row["difference"] else None),
        ]
        for row in checks
    ]
    columns = [("Check", TEXT), ("One side", NUMBER), ("Other side", NUMBER), ("Difference", NUMBER)]
    if not rows:
        return Part("reconciliation", "Reconciliation", ["No check falls in this month."])
    wrong = sum(1 for row in checks if row["difference"])
    text = f"{len(checks)} checks, {wrong or 'none'} with a difference."
    return Part("reconciliation", "Reconciliation", [text], [Table("Both sides of every check", columns, rows)])
