"""Small landing and policy folders for tests, in LivePerson's payload format: only the fields that are read."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import zstandard

from .zones import zone

Record = dict[str, Any]

STARTER_POLICY: dict[str, list[dict[str, str]]] = {
    "rate_plans": [
        {
            "rate_plan_id": "starter",
            "rate_plan_name": "Starter",
            "currency_code": "USD",
            "platform_user_limit": "10",
            "listening_grain": "dar",
            "stub_allowance": "full",
        }
    ],
    "rate_plan_charges": [
        {
            "rate_plan_id": "starter",
            "charge_id": charge_id,
            "meter": meter,
            "charge_model": model,
            "included_quantity": included,
            "block_size": block,
            "credits_per_block": credits,
            "price_per_block": price,
            "rounding": rounding,
            "price_basis": basis,
            "effective_from": "1990-01-01",
        }
        for charge_id, meter, model, included, block, credits, price, rounding, basis in (
            ("starter_dar_overage", "dar", "package", "2000", "100", "100", "39.00", "up", "stated"),
            ("starter_listening", "listening", "standard", "0", "1", "0.2", "0.078", "", "derived"),
            ("starter_cobrowse", "cobrowse_session", "standard", "0", "1", "1", "0.39", "", "derived"),
            ("starter_functions", "function_invocation", "package", "150000", "250", "1", "0.39", "up", "derived"),
            ("starter_channel_credits", "channel_credit", "standard", "0", "1", "1", "0.00", "", "stated"),
        )
    ],
    "rate_plan_tiers": [],
    "rate_plan_channels": [
        {"rate_plan_id": "starter", "channel": channel}
        for channel in ("Email Messaging", "Facebook Messenger", "SMS", "Web Messaging")
    ],
    "channels": [
        {"source": source, "channel": channel, "is_early_release": "false"}
        for source, channel in {
            "SHARK": "Web Messaging",
            "SMS": "SMS",
            "FACEBOOK": "Facebook Messenger",
            "EMAIL": "Email Messaging",
            "APP": "APP",
            "WHATSAPP": "WHATSAPP",
            "APPLE": "APPLE",
        }.items()
    ],
    "activity_rules": [
        {"sender_kind": kind, "counts": str(kind != "system").lower()}
        for kind in ("consumer", "human", "bot", "system", "unknown")
    ],
    "trigger_rules": [
        {"trigger": trigger, "counts": str(trigger != "MANUAL_TEST").lower()}
        for trigger in ("EVENT", "DIRECT", "EXTERNAL", "SCHEDULE", "MANUAL_TEST")
    ],
    "currencies": [
        {"currency_code": code, "minor_units": units} for code, units in (("USD", "2"), ("JPY", "0"), ("KWD", "3"))
    ],
    "settings": [],
    "acknowledgements": [],
    "repricing": [],
    "withdrawals": [],
}
HEADERS = {
    "rate_plans": "rate_plan_id,rate_plan_name,currency_code,platform_user_limit,listening_grain,stub_allowance,source",
    "rate_plan_charges": "rate_plan_id,charge_id,meter,charge_model,included_quantity,block_size,credits_per_block,"
    "price_per_block,rounding,minimum_amount,maximum_amount,price_basis,effective_from,effective_to,description,source",
    "rate_plan_tiers": "charge_id,tier_from,tier_to,unit_price,flat_price,effective_from,effective_to",
    "rate_plan_channels": "rate_plan_id,channel",
    "channels": "source,channel,is_early_release",
    "activity_rules": "sender_kind,counts",
    "message_audiences": "audience,reaches_consumer",
    "trigger_rules": "trigger,counts",
    "currencies": "currency_code,minor_units",
    "settings": "setting,value,reason",
    "acknowledgements": "check,contract_id,site_id,meter,period,quantity,by,on,reason",
    "repricing": "usage_period,reason,approved_by",
    "withdrawals": "path,reason,approved_by",
    "accounts": "account_id,account_name,currency_code",
    "sites": "site_id,account_id,time_zone,listening_enabled,effective_at",
    "contracts": "contract_id,account_id,rate_plan_id,starts_on,ends_on,functions_over_cap,purchase_order,"
    "payment_terms_days",
    "credits": "credit_id,contract_id,usage_period,amount,currency_code,reason,approved_by",
}


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """A CSV with a header; a value that a row does not state is empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_policy(folder: Path, **changes: Sequence[Mapping[str, str]]) -> Path:
    """The Starter policy (P5) with whole files replaced by name, such as ``settings=[...]``."""
    for name, rows in (STARTER_POLICY | changes).items():
        write_csv(folder / f"{name}.csv", HEADERS[name].split(","), rows)
    return folder


def write_reference(landing: Path, version: str = "", **rows: Sequence[Mapping[str, str]]) -> None:
    """Reference files by kind: ``sites=[...]``; the version makes the name sort later."""
    for kind, own in rows.items():
        write_csv(landing / "reference" / f"{kind}{version}.csv", HEADERS[kind].split(","), own)


def one_site(landing: Path, zone_name: str = "UTC", listening: bool = True, **contract: str) -> None:
    """Account A, site s1, contract c1 on Starter since 2016."""
    write_reference(
        landing,
        accounts=[{"account_id": "A", "account_name": "Acme", "currency_code": "USD"}],
        sites=[site("s1", "A", zone_name, listening)],
        contracts=[
            {
                "contract_id": "c1",
                "account_id": "A",
                "rate_plan_id": "starter",
                "starts_on": "2016-01-01",
                "functions_over_cap": "charge",
            }
            | contract
        ],
    )


def site(
    site_id: str, account_id: str, zone_name: str, listening: bool = True, at: str = "2015-01-01T00:00:00Z"
) -> dict[str, str]:
    """A row of sites.csv."""
    return {
        "site_id": site_id,
        "account_id": account_id,
        "time_zone": zone_name,
        "listening_enabled": str(listening).lower(),
        "effective_at": at,
    }


def millis(text: str, zone_name: str | ZoneInfo = "UTC", fold: int = 0) -> int:
    """Epoch milliseconds of a local wall clock such as ``2026-03-01 23:50``."""
    tz = zone(zone_name) if isinstance(zone_name, str) else zone_name
    local = datetime.fromisoformat(text).replace(tzinfo=tz, fold=fold)
    return round((local - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def message(
    message_id: str, at: int | str | None, sent_by: str = "Consumer", who: str | None = None, **more: Any
) -> Record:
    """A message record; by default of consumer ``k1`` or agent ``a1``."""
    record: Record = {
        "type": "TEXT_PLAIN",
        "messageData": {"msg": {"text": "never read"}},
        "messageId": message_id,
        "participantId": who or ("k1" if sent_by.lower() == "consumer" else "a1"),
        "sentBy": sent_by,
    }
    if at is not None:
        record["timeL"] = at
    return record | more


def conversation(
    conversation_id: str,
    messages: Sequence[Record],
    *,
    site_id: str = "s1",
    source: str | None = "SHARK",
    consumers: Sequence[str] = ("k1",),
    agents: Mapping[str, int] | None = None,
    sessions: Sequence[Record] = (),
    **more: Any,
) -> Record:
    """A conversation record; agents are {id: userType}, by default a1 a human and b1 a bot."""
    info: Record = {"conversationId": conversation_id, "brandId": site_id, "status": "CLOSE", "isPartial": False}
    if source is not None:
        info["source"] = source
    listed = {"a1": 1, "b1": 2, "sys": 0} if agents is None else agents
    record: Record = {
        "info": info,
        "messageRecords": list(messages),
        "agentParticipants": [{"agentId": agent, "userType": str(kind), "timeL": 1} for agent, kind in listed.items()],
        "consumerParticipants": [{"participantId": consumer, "timeL": 1} for consumer in consumers],
    }
    if sessions:
        record["coBrowseSessions"] = {"coBrowseSessionsList": list(sessions)}
    return record | more


def invocation(invocation_id: str, at: int, count: Any = None, **more: Any) -> Record:
    """An invocation record of function ``f1`` of site s1."""
    record: Record = {
        "accountId": "s1",
        "functionUuid": "f1",
        "invocationId": invocation_id,
        "timestampL": at,
        "trigger": "EVENT",
        "state": "SUCCEEDED",
    }
    return record | ({} if count is None else {"count": count}) | more


def snapshot(site_id: str, at: int, users: Sequence[Record]) -> Record:
    """A Users API list."""
    return {"accountId": site_id, "snapshotTimeL": at, "users": list(users)}


def user(user_id: str, kind: int = 1, enabled: bool = True, deleted: bool = False) -> Record:
    """A platform user."""
    return {"id": user_id, "userTypeId": kind, "isEnabled": enabled, "deleted": deleted}


def _write(path: Path, content: bytes) -> Path:
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif path.suffix == ".zst":
        content = zstandard.ZstdCompressor().compress(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_lines(landing: Path, name: str, records: Iterable[Record | str]) -> Path:
    """One record a line under landing/<name>; a string is written as it is. ``.gz`` and ``.zst`` compress."""
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return _write(landing / name, "".join(line + "\n" for line in lines).encode())


def write_page(landing: Path, name: str, records: Sequence[Record]) -> Path:
    """A response page of the Messaging Interactions API."""
    page = {"_metadata": {"count": len(records)}, "conversationHistoryRecords": list(records)}
    return _write(landing / name, json.dumps(page).encode())


def write_json(landing: Path, name: str, record: Record) -> Path:
    """One object as a file."""
    return _write(landing / name, json.dumps(record).encode())
