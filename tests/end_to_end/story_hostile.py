"""Everything hostile at once, through the real commands: damaged files, names and ids that mean something elsewhere,
links that lead out, and inputs that are not whole; then the same with incomplete inputs as a hold."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from oracle.build import conversation, message, one_site, site, write_lines, write_reference
from trust.damages import AT, DAMAGES, call, talk

from end_to_end.commands import Answer, Home, Lab

PERIOD = "2026-03"
AS_OF = {"LEDGER_AS_OF": "2026-04-20T12:00:00Z"}
SECRET = "outside-of-landing"
# What each would be somewhere: SQL, Jinja, a spreadsheet's formula, HTML, a shell, a path, a line of its own.
EVIL = (
    "'; drop table raw.messages; --",
    'quote"d, semi;colon',
    "{{ 1/0 }}{% raw %}",
    '=HYPERLINK("http://example.com","pay")',
    "+cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "-2+3",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "$(touch owned)`touch owned`",
    "../../escape",
    "line\nbreak\r\nand\ttab",
    "| a | pipe",
    "𝕌nicode‮ back ﷽",
)
OWN = (("c1", "A"), ("i1", "I"))
HTML = ("<img src=x onerror", "<script>alert(1)")


@dataclass
class Hostile:
    """What was seen."""

    home: Home
    run: Answer
    outside: Path
    statuses: dict[str, str] = field(default_factory=dict)
    warned: list[tuple] = field(default_factory=list)
    held: Answer | None = None
    statuses_held: dict[str, str] = field(default_factory=dict)


def play(lab: Lab) -> Hostile:
    """The whole story."""
    home = lab.home("hostile", lab.project("hostile_project"), **AS_OF)
    settings = home.policy / "settings.csv"
    settings.write_text(settings.read_text().replace("max_rejected_share,0.01", "max_rejected_share,1"))
    outside = lab.folder / "outside"
    outside.mkdir()
    write_lines(outside, "secret.jsonl", [talk(SECRET)])
    _plant(home.landing, outside)
    run = home.run("run", "--period", PERIOD)
    seen = Hostile(home, run, outside, _statuses(home))
    seen.warned = home.query("select kind, site_id, detail from quality.fct_incomplete_inputs order by all")
    settings.write_text(settings.read_text().replace("hold_incomplete_inputs,false", "hold_incomplete_inputs,true"))
    seen.held = home.run("run", "--period", PERIOD)
    seen.statuses_held = _statuses(home)
    return seen


def _statuses(home: Home) -> dict[str, str]:
    if not home.published.exists():
        return {}
    return dict(home.query(
        f"select contract_id, status from billing.fct_invoices where strftime(billing_period, '%Y-%m') = '{PERIOD}'"
    ))  # fmt: skip


def evil_talk(number: int, word: str) -> dict:
    """A conversation whose ids are all the same word."""
    session = {"sessionId": word, "startTimeL": AT, "interactiveTimeL": AT, "interactive": True}
    return conversation(
        word, [message(word, AT, who=word), message(f"{word} again", AT + 1, "Agent", word)], site_id=word,
        consumers=(word,), agents={word: 1}, sessions=[session], source="SHARK" if number % 2 else "SMS",
    )  # fmt: skip


def _plant(landing: Path, outside: Path) -> None:
    one_site(landing)
    account: dict[str, str] = {"currency_code": "USD"}
    contract = {"rate_plan_id": "starter", "starts_on": "2026-01-01", "functions_over_cap": "charge"}
    # A reference cell is trimmed, so these words have no blanks at their ends.
    write_reference(
        landing,
        accounts=[{"account_id": word, "account_name": word} | account for word in ("A", "I", *EVIL)],
        sites=[site("s1", "A", "UTC"), site("open", "I", "UTC"), *(site(word, word, "UTC") for word in EVIL)],
        contracts=[{"contract_id": name, "account_id": own} | contract for name, own in OWN]
        + [{"contract_id": word, "account_id": word, "purchase_order": word} | contract for word in EVIL],
    )  # fmt: skip
    for damage in DAMAGES:
        for name, data in damage.files.items():
            path = landing / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    chats = landing / "messaging_interactions"
    write_lines(landing, "messaging_interactions/evil.jsonl", [evil_talk(n, word) for n, word in enumerate(EVIL)])
    write_lines(landing, "function_invocations/evil.jsonl", [
        call("evil", n, accountId=word, functionUuid=word, invocationId=word) for n, word in enumerate(EVIL)
    ])  # fmt: skip
    for number, word in enumerate(EVIL):
        name = word.replace("/", "⁄")
        write_lines(chats, f"{name}.jsonl", [talk("named", number), '{"broken'])
    is_open = talk("still") | {"info": talk("still")["info"] | {"status": "OPEN", "brandId": "open"}}
    write_lines(landing, "messaging_interactions/open.jsonl", [is_open])
    (chats / "link_to_file.jsonl").symlink_to(outside / "secret.jsonl")
    (chats / "link_to_folder").symlink_to(outside, target_is_directory=True)
    up = os.path.join("..", "..", "..", "outside", "secret.jsonl")
    (landing / "function_invocations" / "up.jsonl").symlink_to(up)
    (chats / "inside.jsonl").symlink_to(chats / "evil.jsonl")
