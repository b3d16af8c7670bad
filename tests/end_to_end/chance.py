"""Adversarial landing data and policy from a seed: everything that INPUTS.md allows, and much that it refuses.

Small spaces of ids, so that copies contradict each other; instants on midnights; sites that move and contracts that end
in mid-month; plans of every charge model with terms, tiers, minima and maxima that change on awkward dates.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oracle.build import millis, site, snapshot, user, write_json, write_lines, write_page, write_reference

Record = dict[str, Any]
DAY = 86_400_000
BEGIN, END = millis("2026-02-20 00:00"), millis("2026-05-05 00:00")
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Los_Angeles",
         "Africa/Casablanca", "Pacific/Kiritimati", "Asia/Calcutta")  # fmt: skip
ACCOUNTS = (("A", "USD", "starter"), ("B", "EUR", "scale_eur"), ("C", "JPY", "enterprise_jpy"), ("D", "USD", "starter"))
SITES = tuple(f"s{n}" for n in range(9))
AGENTS = tuple(f"a{n}" for n in range(5))
ODD_INSTANTS = (5, -1, 0, "undefined", None, "abc", 10**16, 1.5e12, 4102444800000, "1772323200000.0")
# Where terms of a plan may change.
CUTS = ("2026-03-01", "2026-03-02", "2026-03-15", "2026-03-31", "2026-04-01", "2026-04-10", "2026-04-20", "2026-04-30")
METERS = ("dar", "dar", "channel_credit", "listening", "listening", "cobrowse_session", "function_invocation",
          "platform_user", "subscription", "function_invocation")  # fmt: skip
MODELS = ("standard", "package", "graduated", "volume", "flat")


class Landing:
    """One landing folder's worth of chance."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.told: list[Record] = []

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def of(self, *values: Any) -> Any:
        return self.dice.choice(values)

    def write(self, landing: Path) -> None:
        """Write all feeds and the reference files."""
        self._reference(landing)
        self._conversations(landing)
        self._invocations(landing)
        self._users(landing)

    # --- reference

    def _reference(self, landing: Path) -> None:
        sites = []
        for name in SITES:
            starts = ["2026-03-01T00:00:00Z", *(self._iso() for _ in range(self.dice.randrange(3)))]
            sites += [site(name, self.of(*"ABCD"), self.of(*ZONES), self.chance(0.6), at) for at in starts]
        sites += [site("bad", "A", "EST"), site("bad2", "Z", "UTC")]
        contracts = []
        for account, _, plan in ACCOUNTS:
            starts_on = self.of("2026-01-01", "2026-03-08", "2026-02-25")
            ends_on = f"2026-04-{self.dice.randrange(1, 28):02d}"
            contracts.append(self._contract(f"{account}1", account, plan, starts_on, ends_on))
            if self.chance(0.7):
                contracts.append(self._contract(f"{account}2", account, plan, "2026-04-28", ""))
        contracts.append(self._contract("X", "A", "starter", "2026-04-01", ""))  # overlaps A1
        credits = [
            {"credit_id": f"g{n}", "contract_id": contract, "usage_period": period, "amount": amount,
             "currency_code": currency, "approved_by": "x"}
            for n, (contract, period, amount, currency) in enumerate(
                [("A1", "2026-02", "10.01", "USD"), ("C1", "2026-03-01", "7", "JPY"), ("B1", "2026-03", "-7", "EUR")])
        ]  # fmt: skip
        accounts = [{"account_id": a, "account_name": a, "currency_code": currency} for a, currency, _ in ACCOUNTS]
        write_reference(landing, accounts=accounts, sites=sites, contracts=contracts, credits=credits)

    def _contract(self, name: str, account: str, plan: str, starts_on: str, ends_on: str) -> dict[str, str]:
        return {
            "contract_id": name, "account_id": account, "rate_plan_id": plan, "starts_on": starts_on,
            "ends_on": ends_on, "functions_over_cap": self.of("charge", "suspended"),
        }  # fmt: skip

    def _iso(self) -> str:
        return datetime.fromtimestamp(self.dice.randrange(BEGIN, END) / 1000, UTC).isoformat()

    # --- conversations

    def instant(self) -> Any:
        """An instant, often on a midnight, as a number or a text; sometimes none that can be used."""
        if self.chance(0.02):
            return self.of(*ODD_INSTANTS)
        at = self.dice.randrange(BEGIN, END)
        if self.chance(0.4):
            at = at // DAY * DAY + self.of(-1, 0, 1, self.dice.randrange(DAY))
        return str(at) if self.chance(0.3) else at

    def _message(self) -> Record:
        side = self.of("Consumer", "CONSUMER", "Agent", "agent", "Agent", "x" if self.chance(0.1) else "Agent")
        record: Record = {"messageId": f"m{self.dice.randrange(9)}", "sentBy": side}
        if self.chance(0.95):
            who = ("k0", "k1", "k2", "null") if side.lower() == "consumer" else (*AGENTS, "undefined")
            record["participantId"] = self.of(*who)
        if (at := self.instant()) is not None:
            record["timeL"] = at
        if self.chance(0.2):
            record["time"] = f"2026-03-{self.dice.randrange(1, 29):02d} 23:59:59.500+0000"
        if self.chance(0.1):
            record["audience"] = self.of("ALL", "AGENTS_AND_MANAGERS", "null", "OTHER")
        if self.chance(0.3):
            record["source"] = self.of("SMS", "APP", "undefined", "EMAIL", "ODD")
        if self.chance(0.02):
            del record["messageId"]
        return record

    def _listing(self) -> Record:
        record: Record = {"agentId": self.of(*AGENTS)}
        if self.chance(0.8):
            record["userType"] = self.of(0, 1, 2, "1", "2", "7", "undefined", 1.0)
        if self.chance(0.5):
            record["userTypeName"] = self.of("Human", "BOT", "system", "x")
        if self.chance(0.7):
            record["timeL"] = self.of(1, 2, 3, "4", "undefined")
        return record

    def _session(self) -> Record:
        record: Record = {"sessionId": f"c{self.dice.randrange(25)}"}
        if self.chance(0.9):
            record["startTimeL"] = self.instant()
        if self.chance(0.6):
            record["interactiveTimeL"] = self.of(self.instant(), 0, -1, "-1", "undefined")
        if self.chance(0.1):
            record["interactiveTime"] = "2026-03-10 23:59:59.500+0530"
        if self.chance(0.7):
            record[self.of("isInteractive", "interactive")] = self.of(True, False, "true", True)
        return record

    def _conversation(self) -> Record:
        number = self.dice.randrange(60)
        site_id = self.of(*SITES[:6]) if self.chance(0.3) else SITES[number % len(SITES)]
        if self.chance(0.02):
            site_id = self.of("nowhere", "bad", "bad2", "")
        record: Record = {
            "info": {"conversationId": f"v{number}", "brandId": site_id},
            "messageRecords": [self._message() for _ in range(self.dice.randrange(7))],
        }
        if self.chance(0.8):
            record["info"]["source"] = self.of("SHARK", "SMS", "SMS", "APP", "WHATSAPP", "ODD", "undefined", "sms")
        if self.chance(0.8):
            record["agentParticipants"] = [self._listing() for _ in range(self.dice.randrange(4))]
        if self.chance(0.6):
            record[self.of("consumerParticipants", "consumerParticipant")] = [
                {"participantId": self.of("k0", "k1", "undefined", "k3")}
                | ({"timeL": self.of(1, "2", 3)} if self.chance(0.6) else {})
                for _ in range(self.dice.randrange(3))
            ]
        if self.chance(0.3):
            sessions: Any = {"coBrowseSessionsList": [self._session() for _ in range(self.dice.randrange(3))]}
            odd = ([], "x", {"coBrowseSessionsList": {}}, None)
            record["coBrowseSessions"] = sessions if self.chance(0.95) else self.of(*odd)
        return record

    def _delivery(self) -> Record:
        """A new conversation, or one delivered before, sometimes with one message more."""
        record = self._conversation() if not self.told or self.chance(0.7) else self.of(*self.told)
        if self.chance(0.3):
            record = json.loads(json.dumps(record))
            record["messageRecords"].append(self._message())
        self.told.append(record)
        return record

    def _conversations(self, landing: Path) -> None:
        for number in range(14):
            records: list[Any] = [self._delivery() for _ in range(12)]
            suffix = self.of("jsonl", "jsonl.gz", "jsonl.zst", "json", "json.gz")
            name = f"messaging_interactions/{self.dice.randrange(100):02}_{number}.{suffix}"
            if suffix.startswith("jsonl"):
                broken = [self.of('{"a":', "[]", "nul", "{“a”:1}")] if self.chance(0.3) else []
                write_lines(landing, name, records + broken)
            else:
                write_page(landing, name, records + ([self.of(None, 3, {})] if self.chance(0.2) else []))
        first = min((landing / "messaging_interactions").iterdir())
        shutil.copy(first, first.with_name(f"zz_copy.{first.name.split('.', 1)[1]}"))

    # --- the other feeds

    def _invocations(self, landing: Path) -> None:
        records = [self._invocation() for _ in range(260)]
        write_lines(landing, "function_invocations/a.jsonl", records[:100])
        write_lines(landing, "function_invocations/b.jsonl.zst", records[90:])

    def _invocation(self) -> Record:
        site_id = self.of(*SITES) if self.chance(0.97) else "nowhere"
        record = {
            "invocationId": f"i{self.dice.randrange(150)}",
            "accountId": site_id,
            "timestampL": self.instant(),
        }
        if self.chance(0.9):
            record["functionUuid"] = self.of("f1", "f2")
        if self.chance(0.9):
            record["trigger"] = self.of("EVENT", "DIRECT", "MANUAL_TEST", "NEW", "event", "undefined")
        if self.chance(0.6):
            record["count"] = self.of(1, 2, "3", 90_000, 151_000, 0, -1, 1.5, "x", "2.0", "undefined", True)
        return record

    def _users(self, landing: Path) -> None:
        for number in range(25):
            at = self.instant() if self.chance(0.1) else self.dice.randrange(BEGIN, END)
            people = [
                user(f"u{self.dice.randrange(15)}", self.of(1, 2, "1", 3), self.chance(0.8), self.chance(0.2))
                for _ in range(self.dice.randrange(14))
            ]
            write_json(landing, f"platform_users/{number}.json", snapshot(self.of(*SITES), at, people))


class Terms:
    """Plans with charges of every model, whose terms change in mid-month; written over a folder of policy files."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def of(self, *values: Any) -> Any:
        return self.dice.choice(values)

    def write(self, policy: Path) -> None:
        """Replace charges and tiers, and change what plans allow."""
        _, plans = _read(policy, "rate_plans")
        charges: list[dict[str, Any]] = []
        tiers: list[dict[str, Any]] = []
        for plan in plans:
            plan["stub_allowance"] = self.of("full", "days")
            plan["listening_grain"] = self.of("dar", "conversation_dar")
            plan["platform_user_limit"] = self.of("", "5")
            for number, meter in enumerate(METERS):
                if self.dice.random() < 0.9:
                    charge_id = f"{plan['rate_plan_id']}_{number}"
                    charges += self._charges(plan["rate_plan_id"], charge_id, meter)
                    tiers += self._tiers(charge_id)
        _write(policy, "rate_plans", plans)
        _write(policy, "rate_plan_charges", charges)
        _write(policy, "rate_plan_tiers", tiers)

    def _pieces(self, most: int) -> list[tuple[str, str]]:
        """Half-open stretches of time without a gap."""
        cuts = sorted(self.dice.sample(CUTS, self.dice.randrange(most)))
        return list(zip(["1990-01-01", *cuts], [*cuts, ""], strict=True))

    def _charges(self, plan: str, charge_id: str, meter: str) -> list[dict[str, Any]]:
        pieces = self._pieces(4)
        if len(pieces) > 1 and self.dice.random() < 0.3:
            pieces.pop(self.dice.randrange(len(pieces)))  # dates without a term
        return [
            {"rate_plan_id": plan, "charge_id": charge_id, "meter": meter, "price_basis": "negotiated",
             "effective_from": begin, "effective_to": end, "description": charge_id} | self._prices(meter)
            for begin, end in pieces
        ]  # fmt: skip

    def _prices(self, meter: str) -> dict[str, Any]:
        model = self.of("flat", "standard") if meter == "subscription" else self.of(*MODELS)
        row: dict[str, Any] = {"charge_model": model}
        if model in ("standard", "package"):
            row |= {
                "included_quantity": self.of("0", "2", "5", ""), "block_size": self.of("1", "3", "7", "250", ""),
                "credits_per_block": self.of("", "0.2", "1", "0.333333"),
                "price_per_block": self.of("0.078", "39", "1.333333", "0"),
                "rounding": self.of("up", "down", "none") if model == "package" else "",
            }  # fmt: skip
        elif model == "flat":
            row["price_per_block"] = self.of("900", "12.345")
        else:
            row["included_quantity"] = self.of("0", "3", "")
        if self.dice.random() < 0.25:
            row["minimum_amount"] = self.of("1", "20")
        if self.dice.random() < 0.25:
            row["maximum_amount"] = self.of("21", "400")
        return row

    def _tiers(self, charge_id: str) -> list[dict[str, Any]]:
        rows = []
        for begin, end in self._pieces(3):
            bounds = sorted(self.dice.sample((1, 2, 5, 9, 20, 100_000), self.dice.randrange(3)))
            rows += [
                {"charge_id": charge_id, "tier_from": low, "tier_to": high, "effective_from": begin,
                 "effective_to": end, "unit_price": self.of("0", "0.3333", "2", "55"),
                 "flat_price": self.of("0", "10.5", "1")}
                for low, high in zip([0, *bounds], [*bounds, ""], strict=True)
            ]  # fmt: skip
        return rows


def _read(policy: Path, name: str) -> tuple[list[str], list[dict[str, str]]]:
    with (policy / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or ()), list(reader)


def _write(policy: Path, name: str, rows: list[dict[str, Any]]) -> None:
    header, _ = _read(policy, name)
    with (policy / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
