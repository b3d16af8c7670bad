"""Two contracts and a site without one, over three months: what is held, what stops, what releases it.

March: alpha is in order; beta has a message from a source that no row maps. April: usage of a site without a contract.
May: a file that March's seal rests on disappears. Then a reference file is emptied, and a suite broken.
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from oracle.build import conversation, invocation, message, millis, site, write_lines, write_reference

from end_to_end.commands import Answer, Home, Lab, reading

APRIL, MAY = {"LEDGER_AS_OF": "2026-04-20T12:00:00Z"}, {"LEDGER_AS_OF": "2026-05-20T12:00:00Z"}
WITHDRAWN = "messaging_interactions/march_by_mistake.jsonl"
SITES = {"alpha": "America/St_Johns", "beta": "Asia/Kathmandu", "stray": "UTC"}


@dataclass
class Stopped:
    """A command that must fail, and whether anything that people read changed by it."""

    answer: Answer
    changed: list[str]


@dataclass
class Gates:
    """What was seen, in the order in which it happened."""

    home: Home
    held: Answer
    statuses_held: dict[str, str]  # contract -> status of its March document
    closed: Answer
    sealed_contracts: set[str]
    sealed_holds: list[tuple]
    statuses_closed: dict[str, str]
    stopped: dict[str, Stopped] = field(default_factory=dict)
    billed_later: Answer | None = None
    adjustments: list[tuple] = field(default_factory=list)  # contract, reasons, quantity, amount by charge
    published: Path | None = None  # a copy of what was published then
    policy: Path | None = None  # the policy of then
    landing: Path | None = None  # the landing folder of then
    withdrawn: Answer | None = None
    withdrawals: list[tuple] = field(default_factory=list)


def play(lab: Lab) -> Gates:
    """The whole story."""
    home = lab.home("gates", lab.project("gates_project"))
    _march(home.landing)
    held = home.must("run", "--period", "2026-03", **APRIL)
    statuses_held = _statuses(home)
    closed = home.must("close", "--period", "2026-03", "--by", "end to end", **APRIL)
    sealed = home.folder / "sealed" / "2026-03"
    with reading(home.published) as connection:
        lines = sealed / "invoice_lines.parquet"
        contracts = connection.execute(f"select distinct contract_id from '{lines}'").fetchall()
        holds = connection.execute(f"from '{sealed / 'held_contracts.parquet'}' order by all").fetchall()
    seen = Gates(home, held, statuses_held, closed, {row[0] for row in contracts}, holds, _statuses(home))

    _april(home.landing)
    _must_stop(seen, "stray", "2026-04", MAY)
    _append(home.policy / "acknowledgements.csv", [
        ["unrated_usage", "", "stray", "function_invocation", "2026-04", "7", "a person", "2026-05-20", "a trial"],
        ["unrated_usage", "beta-2026", "", "channel_credit", "2026-03", "1", "a person", "2026-05-20", "waived"],
    ])  # fmt: skip
    seen.billed_later = home.run("close", "--period", "2026-04", "--by", "end to end", **MAY)
    seen.adjustments = _adjustments(home, "2026-04")
    seen.published, seen.policy, seen.landing = (lab.folder / f"gates_{name}" for name in ("file", "policy", "landing"))
    shutil.copy(home.published, seen.published)
    shutil.copytree(home.policy, seen.policy)
    shutil.copytree(home.landing, seen.landing)

    (home.landing / WITHDRAWN).unlink()
    _must_stop(seen, "missing", "2026-05", MAY)
    _append(home.policy / "withdrawals.csv", [[WITHDRAWN, "sent by mistake", "a person"]])
    seen.withdrawn = home.run("run", "--period", "2026-05", **MAY)
    seen.withdrawals = _adjustments(home, "2026-05")

    emptied = home.landing / "reference" / "sites.csv"
    text = emptied.read_text()
    emptied.write_text(text.splitlines()[0] + "\n")
    _must_stop(seen, "emptied", "2026-05", MAY)
    emptied.write_text(text)
    suite = home.project / "expectations" / "outgoing.yml"
    suite.write_text(suite.read_text().replace("severity: critical", "severity: [critical", 1))
    _must_stop(seen, "broken suite", "2026-05", MAY)
    return seen


def _must_stop(seen: Gates, name: str, period: str, variables: dict[str, str]) -> None:
    home = seen.home
    before = home.bytes_of("published", "exports", "sealed")
    answer = home.run("run", "--period", period, **variables)
    after = home.bytes_of("published", "exports", "sealed")
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    seen.stopped[name] = Stopped(answer, changed)


def _statuses(home: Home) -> dict[str, str]:
    march = "billing_period = date '2026-03-01'"
    return dict(home.query(f"select contract_id, status from billing.fct_invoices where {march}"))


def _adjustments(home: Home, period: str) -> list[tuple]:
    return home.query(
        "select contract_id, charge_id, usage_period::varchar, reasons, quantity::varchar, amount::varchar "
        "from billing.fct_invoice_lines where line_kind = 'adjustment' and strftime(billing_period, '%Y-%m') = "
        f"'{period}' order by all"
    )


def _append(path: Path, rows: list[list[str]]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _talk(site_id: str, name: str, day: str, source: str = "SHARK") -> dict:
    """A conversation of three messages, one of them just before the site's midnight, and an interactive session."""
    zone_name = SITES[site_id]
    at = millis(f"{day} 23:58", zone_name)
    session = {"sessionId": f"{site_id}-{name}", "startTimeL": at, "interactiveTimeL": at + 1, "interactive": True}
    return conversation(
        f"{site_id}-{name}",
        [message("1", at, who=f"consumer-{name}"), message("2", at + 60_000, "Agent"),
         message("3", at + 180_000, who=f"consumer-{name}")],
        site_id=site_id, source=source, consumers=(f"consumer-{name}",), sessions=[session],
    )  # fmt: skip


def _march(landing: Path) -> None:
    write_reference(
        landing,
        accounts=[{"account_id": name, "account_name": name.title(), "currency_code": "USD"} for name in SITES],
        sites=[site(name, name, zone_name) for name, zone_name in SITES.items()],
        contracts=[
            {"contract_id": f"{name}-2026", "account_id": name, "rate_plan_id": "starter", "starts_on": "2026-03-01",
             "functions_over_cap": "charge"}
            for name in ("alpha", "beta")
        ],
    )  # fmt: skip
    talks = [_talk(name, f"m{n}", f"2026-03-{10 + n}") for name in ("alpha", "beta") for n in range(3)]
    write_lines(landing, "messaging_interactions/march.jsonl.zst", talks)
    write_lines(landing, WITHDRAWN, [_talk("alpha", "mistake", "2026-03-20")])
    odd = _talk("beta", "odd", "2026-03-20", source="PIGEON")
    odd["messageRecords"] = odd["messageRecords"][:2]  # on one date
    write_lines(landing, "messaging_interactions/march_odd.jsonl", [odd])
    write_lines(landing, "function_invocations/march.jsonl", [
        invocation("1", millis("2026-03-31 23:59", SITES["alpha"]), 150_251, accountId="alpha"),
        invocation("2", millis("2026-04-01 00:00", SITES["alpha"]), 5, accountId="alpha"),
    ])  # fmt: skip


def _april(landing: Path) -> None:
    write_lines(landing, "messaging_interactions/april.jsonl.gz",
                [_talk(name, "a1", "2026-04-15") for name in ("alpha", "beta")])  # fmt: skip
    write_lines(landing, "function_invocations/april.jsonl", [
        invocation("3", millis("2026-04-12 12:00"), 7, accountId="stray"),
    ])  # fmt: skip


