"""Function invocations: a few records a day, most of them a minute's invocations reported together."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from demo.accounts import SITES, Site
from demo.clock import Dice, epoch_ms
from demo.conversations import FIRST_DATES, SECOND_DATES
from demo.exports import EXPORTED_AT, packed, to_json, to_lines

FOLDER = "function_invocations"
SUFFIXES = ("jsonl", "jsonl.gz", "jsonl.zst", "jsonl", "jsonl.gz")
TRIGGERS = (
    ("EVENT", "controllerbot_messaging_new_conversation"),
    ("SCHEDULE", ""),
    ("EXTERNAL", ""),
    ("DIRECT", ""),
)


def _invocations(site: Site, dates: tuple[date, ...], total: int, dice: Dice) -> Iterator[dict[str, Any]]:
    """Records of one site on these local dates; those whose trigger counts add up to `total`."""
    functions = [(dice.uuid(), *TRIGGERS[(site.number + n) % len(TRIGGERS)]) for n in range(2)]
    left = total
    for place, day in enumerate(dates):
        days_left = len(dates) - place
        of_day = left if days_left == 1 else left // days_left * dice.between(80, 120) // 100
        left -= of_day
        # The second function has a third; one single invocation is reported without a count.
        for function, count in zip(functions + functions[:1], (of_day - of_day // 3 - 1, of_day // 3, 1), strict=True):
            yield _record(site, function, day, count, dice)
        if dice.chance(6):
            yield _record(site, (functions[0][0], "MANUAL_TEST", ""), day, dice.between(1, 9), dice)


def _record(site: Site, function: tuple[str, str, str], day: date, count: int, dice: Dice) -> dict[str, Any]:
    function_id, trigger, event_id = function
    local = datetime.combine(day, time(dice.between(3, 23), dice.below(60), dice.below(60)))
    record = {
        "accountId": site.site_id,
        "functionUuid": function_id,
        "invocationId": dice.uuid(),
        "timestampL": site.instant(local),
        "trigger": trigger,
        "state": "FAILED" if dice.chance(4) else "SUCCEEDED",
    }
    if event_id:
        record["eventId"] = event_id
    if count != 1:
        record["count"] = count
    return record


def function_files() -> dict[str, bytes]:
    """Function invocations of all sites, a file per export, by their path in the landing folder."""
    records = []
    for site in SITES:
        dice = Dice(site.site_id, "functions")
        for dates, total in zip((FIRST_DATES, SECOND_DATES), site.invocations, strict=True):
            records += _invocations(site, dates, total, dice)
    records.sort(key=lambda one: (one["timestampL"], one["invocationId"]))
    files, since = {}, 0
    for exported_at, suffix in zip(EXPORTED_AT, SUFFIXES, strict=True):
        until = epoch_ms(exported_at)
        part = [one for one in records if since <= one["timestampL"] <= until]
        data = to_lines(part)
        if not since:
            data += _damaged(part)
        files[f"{FOLDER}/invocations_{exported_at[:10]}.{suffix}"] = packed(suffix, data)
        since = until - 6 * 3_600_000  # the last hours are delivered again by the next file
    return files


def _damaged(good: list[dict[str, Any]]) -> bytes:
    """Four records that cannot be counted: cut off, without id, epoch seconds, a count of zero."""
    cut, unnamed, seconds, zero = (dict(one) for one in good[-4:])
    del unnamed["invocationId"]
    seconds |= {"invocationId": "in-seconds", "timestampL": seconds["timestampL"] // 1000}
    zero |= {"invocationId": "of-zero", "count": 0}
    return to_json(cut)[:-20] + b"\n" + to_lines([unnamed, seconds, zero])
