"""The days on which other ledgers went wrong, each with its dates written down by hand.

Every instant is a consumer's message, a function's invocation and a Co-Browse session of its own in real landing
files; the dates are read from the facts. `reference.dim_site_days` is checked on the same days.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from oracle.build import conversation, invocation, message, site, write_lines, write_reference
from zone_oracle import instant, local_date, milliseconds
from zone_project import Project, load, table_rows

from orchestration import zones
from orchestration.settings import Settings

PERIOD = date(2026, 11, 1)
AS_OF = datetime(2026, 12, 20, tzinfo=UTC)
LONG_AGO = "2000-01-01T00:00:00Z"


@dataclass(frozen=True)
class Day:
    """A row of dim_site_days: [first, last) in UTC, pieces and minutes."""

    first: str
    last: str
    minutes: str
    pieces: int = 1


@dataclass(frozen=True)
class Case:
    """A site by its zone, instants (UTC) with their dates, and its calendar; None is a date that does not exist."""

    name: str
    zone: str
    dates: dict[str, str]
    days: dict[str, Day | None] = field(default_factory=dict)


CASES = [
    Case(
        "a quarter-hour offset",
        "Asia/Kathmandu",  # +05:45
        {"2026-10-31 18:14:59.999": "2026-10-31", "2026-10-31 18:15": "2026-11-01"},
        {"2026-11-01": Day("2026-10-31 18:15", "2026-11-01 18:15", "1440")},
    ),
    Case(
        "half an hour of daylight saving",
        "Australia/Lord_Howe",  # +10:30, +11 from 2026-10-04 02:00
        {
            "2026-10-03 13:29:59.999": "2026-10-03",
            "2026-10-03 13:30": "2026-10-04",
            "2026-10-03 15:29:59.999": "2026-10-04",
            "2026-10-03 15:30": "2026-10-04",
            "2026-10-04 12:59:59.999": "2026-10-04",
            "2026-10-04 13:00": "2026-10-05",
            "2026-04-04 13:00": "2026-04-05",
            "2026-04-05 13:29:59.999": "2026-04-05",
            "2026-04-05 13:30": "2026-04-06",
        },
        {
            "2026-10-04": Day("2026-10-03 13:30", "2026-10-04 13:00", "1410"),
            "2026-04-05": Day("2026-04-04 13:00", "2026-04-05 13:30", "1470"),
        },
    ),
    Case(
        "a date that comes back: clocks went from 00:01 to 23:01 of the day before",
        "America/St_Johns",
        {
            "2010-11-07 02:29:59.999": "2010-11-06",
            "2010-11-07 02:30": "2010-11-07",
            "2010-11-07 02:30:59.999": "2010-11-07",
            "2010-11-07 02:31": "2010-11-06",
            "2010-11-07 03:29:59.999": "2010-11-06",
            "2010-11-07 03:30": "2010-11-07",
            "2026-11-01 02:30": "2026-11-01",
            "2026-11-02 03:29:59.999": "2026-11-01",
            "2026-11-02 03:30": "2026-11-02",
        },
        {
            "2010-11-06": Day("2010-11-06 02:30", "2010-11-07 03:30", "1499", 2),
            "2010-11-07": Day("2010-11-07 02:30", "2010-11-08 03:30", "1441", 2),
            "2010-03-14": Day("2010-03-14 03:30", "2010-03-15 02:30", "1380"),
            "2026-11-01": Day("2026-11-01 02:30", "2026-11-02 03:30", "1500"),
        },
    ),
    Case(
        "three quarters of an hour, and summer in the south",
        "Pacific/Chatham",  # +13:45, +12:45 from 2026-04-05 03:45
        {
            "2026-04-04 10:14:59.999": "2026-04-04",
            "2026-04-04 10:15": "2026-04-05",
            "2026-04-05 11:14:59.999": "2026-04-05",
            "2026-04-05 11:15": "2026-04-06",
        },
        {"2026-04-05": Day("2026-04-04 10:15", "2026-04-05 11:15", "1500")},
    ),
    Case(
        "Ramadan, and from 2026-09-20 on no more of +01: engines with older zone data say the next date an hour early",
        "Africa/Casablanca",
        {
            "2026-02-14 22:59:59.999": "2026-02-14",
            "2026-02-14 23:00": "2026-02-15",
            "2026-02-15 23:30": "2026-02-15",
            "2026-02-16 00:00": "2026-02-16",
            "2026-03-21 23:59:59.999": "2026-03-21",
            "2026-03-22 00:00": "2026-03-22",
            "2026-03-22 23:00": "2026-03-23",
            "2026-09-19 23:00": "2026-09-20",
            "2026-09-20 23:30": "2026-09-20",
            "2026-10-31 23:59:59.999": "2026-10-31",
            "2026-11-01 00:00": "2026-11-01",
        },
        {
            "2026-02-15": Day("2026-02-14 23:00", "2026-02-16 00:00", "1500"),
            "2026-03-22": Day("2026-03-22 00:00", "2026-03-22 23:00", "1380"),
            "2026-09-20": Day("2026-09-19 23:00", "2026-09-21 00:00", "1500"),
            "2026-10-31": Day("2026-10-31 00:00", "2026-11-01 00:00", "1440"),
        },
    ),
    Case(
        "midnight does not exist, and the last hour of a Saturday twice",
        "America/Santiago",
        {
            "2026-09-06 03:59:59.999": "2026-09-05",
            "2026-09-06 04:00": "2026-09-06",
            "2026-09-07 02:59:59.999": "2026-09-06",
            "2026-09-07 03:00": "2026-09-07",
            "2026-04-05 02:59:59.999": "2026-04-04",
            "2026-04-05 03:00": "2026-04-04",
            "2026-04-05 03:59:59.999": "2026-04-04",
            "2026-04-05 04:00": "2026-04-05",
        },
        {
            "2026-09-06": Day("2026-09-06 04:00", "2026-09-07 03:00", "1380"),
            "2026-04-04": Day("2026-04-04 03:00", "2026-04-05 04:00", "1500"),
        },
    ),
    Case(
        "midnight does not exist in the east either",
        "Asia/Beirut",
        {
            "2026-03-28 21:59:59.999": "2026-03-28",
            "2026-03-28 22:00": "2026-03-29",
            "2026-03-29 20:59:59.999": "2026-03-29",
            "2026-03-29 21:00": "2026-03-30",
            "2026-10-24 20:59:59.999": "2026-10-24",
            "2026-10-24 21:00": "2026-10-24",
            "2026-10-24 22:00": "2026-10-25",
        },
        {
            "2026-03-29": Day("2026-03-28 22:00", "2026-03-29 21:00", "1380"),
            "2026-10-24": Day("2026-10-23 21:00", "2026-10-24 22:00", "1500"),
        },
    ),
    Case(
        "a date that does not exist",
        "Pacific/Apia",  # over the date line at the end of 2011-12-29
        {"2011-12-30 09:59:59.999": "2011-12-29", "2011-12-30 10:00": "2011-12-31", "2011-12-31 10:00": "2012-01-01"},
        {
            "2011-12-29": Day("2011-12-29 10:00", "2011-12-30 10:00", "1440"),
            "2011-12-30": None,
            "2011-12-31": Day("2011-12-30 10:00", "2011-12-31 10:00", "1440"),
        },
    ),
    Case(
        "two hours of daylight saving",
        "Antarctica/Troll",
        {
            "2026-03-28 23:59:59.999": "2026-03-28",
            "2026-03-29 00:00": "2026-03-29",
            "2026-03-29 21:59:59.999": "2026-03-29",
            "2026-03-29 22:00": "2026-03-30",
            "2026-10-25 23:59:59.999": "2026-10-25",
            "2026-10-26 00:00": "2026-10-26",
        },
        {
            "2026-03-29": Day("2026-03-29 00:00", "2026-03-29 22:00", "1320"),
            "2026-10-25": Day("2026-10-24 22:00", "2026-10-26 00:00", "1560"),
        },
    ),
    Case(
        "three hours back at 02:00: the day before returns for an hour",
        "Antarctica/Casey",  # +11, +08 from 2010-03-05 02:00
        {
            "2010-03-04 12:59:59.999": "2010-03-04",
            "2010-03-04 13:00": "2010-03-05",
            "2010-03-04 14:59:59.999": "2010-03-05",
            "2010-03-04 15:00": "2010-03-04",
            "2010-03-04 15:59:59.999": "2010-03-04",
            "2010-03-04 16:00": "2010-03-05",
            "2010-03-05 16:00": "2010-03-06",
        },
        {
            "2010-03-04": Day("2010-03-03 13:00", "2010-03-04 16:00", "1500", 2),
            "2010-03-05": Day("2010-03-04 13:00", "2010-03-05 16:00", "1560", 2),
        },
    ),
    Case(
        "midnight does not exist in March; summer 2026 does not end on 2026-11-01, whatever older zone data say",
        "America/Havana",
        {
            "2025-11-02 03:59:59.999": "2025-11-01",
            "2025-11-02 04:00": "2025-11-02",
            "2025-11-03 04:59:59.999": "2025-11-02",
            "2025-11-03 05:00": "2025-11-03",
            "2026-03-08 04:59:59.999": "2026-03-07",
            "2026-03-08 05:00": "2026-03-08",
            "2026-11-02 03:59:59.999": "2026-11-01",
            "2026-11-02 04:00": "2026-11-02",
        },
        {
            "2025-11-02": Day("2025-11-02 04:00", "2025-11-03 05:00", "1500"),
            "2026-03-08": Day("2026-03-08 05:00", "2026-03-09 04:00", "1380"),
            "2026-11-01": Day("2026-11-01 04:00", "2026-11-02 04:00", "1440"),
        },
    ),
    Case(
        "a leap day",
        "America/New_York",
        {
            "2024-02-29 04:59:59.999": "2024-02-28",
            "2024-02-29 05:00": "2024-02-29",
            "2024-03-01 04:59:59.999": "2024-02-29",
            "2024-03-01 05:00": "2024-03-01",
        },
        {"2024-02-29": Day("2024-02-29 05:00", "2024-03-01 05:00", "1440"), "2023-02-29": None, "2026-02-29": None},
    ),
    Case(
        "the last second of a month, first of all",
        "Pacific/Kiritimati",  # +14
        {
            "2026-10-31 09:59:59": "2026-10-31",
            "2026-10-31 09:59:59.999": "2026-10-31",
            "2026-10-31 10:00": "2026-11-01",
        },
    ),
    Case(
        "the last second of a month, last of all places where people live",
        "Pacific/Pago_Pago",  # -11
        {
            "2026-11-01 10:59:59": "2026-10-31",
            "2026-11-01 10:59:59.999": "2026-10-31",
            "2026-11-01 11:00": "2026-11-01",
        },
    ),
    Case(
        "the last second of a month in UTC-12, which no site may state: its row is put past the door",
        "Etc/GMT+12",
        {
            "2026-11-01 11:59:59": "2026-10-31",
            "2026-11-01 11:59:59.999": "2026-10-31",
            "2026-11-01 12:00": "2026-11-01",
        },
    ),
    Case(
        "an alias is kept and means what its target means",
        "Asia/Calcutta",  # +05:30
        {"2026-10-31 18:29:59.999": "2026-10-31", "2026-10-31 18:30": "2026-11-01"},
    ),
]
# Sites that change zone: (zone, account, from).
MOVES = {
    "south to north": [("Pacific/Auckland", "A", LONG_AGO), ("America/Los_Angeles", "B", "2026-06-15T03:00:00Z")],
    "north to south": [("America/Los_Angeles", "A", LONG_AGO), ("Pacific/Auckland", "B", "2026-06-15T03:00:00Z")],
    "in the repeated hour": [("America/New_York", "A", LONG_AGO), ("America/Chicago", "A", "2026-11-01T06:30:00Z")],
    "late first row": [("Asia/Tokyo", "A", "2026-08-01T00:00:00Z")],
}
MOVED_DATES = {
    "south to north": {
        "2026-06-15 02:59:59.999": "2026-06-15",  # 14:59 in Auckland
        "2026-06-15 03:00": "2026-06-14",  # 20:00 in Los Angeles
        "2026-06-15 06:59:59.999": "2026-06-14",
        "2026-06-15 07:00": "2026-06-15",
        "2026-06-16 07:00": "2026-06-16",
    },
    "north to south": {
        "2026-06-15 02:59:59.999": "2026-06-14",
        "2026-06-15 03:00": "2026-06-15",  # 15:00 in Auckland
        "2026-06-15 11:59:59.999": "2026-06-15",
        "2026-06-15 12:00": "2026-06-16",
    },
    "in the repeated hour": {
        "2026-11-01 05:30": "2026-11-01",  # 01:30 EDT
        "2026-11-01 06:29:59.999": "2026-11-01",  # 01:29 EST
        "2026-11-01 06:30": "2026-11-01",  # 01:30 CDT: summer time there still
        "2026-11-02 05:59:59.999": "2026-11-01",
        "2026-11-02 06:00": "2026-11-02",
    },
    "late first row": {"2026-01-31 14:59:59.999": "2026-01-31", "2026-01-31 15:00": "2026-02-01"},
}
MOVED_DAYS = {
    "south to north": {
        "2026-06-13": Day("2026-06-12 12:00", "2026-06-13 12:00", "1440"),
        "2026-06-14": Day("2026-06-13 12:00", "2026-06-15 07:00", "1680", 2),  # 24 h there, then 4 h again here
        "2026-06-15": Day("2026-06-14 12:00", "2026-06-16 07:00", "2340", 2),  # 15 h there, 24 h here
        "2026-06-16": Day("2026-06-16 07:00", "2026-06-17 07:00", "1440"),
    },
    "north to south": {
        "2026-06-14": Day("2026-06-14 07:00", "2026-06-15 03:00", "1200"),
        "2026-06-15": Day("2026-06-15 03:00", "2026-06-15 12:00", "540"),
    },
    # New York 00:00 EDT to 01:30 EST is 2.5 h; Chicago 01:30 CDT to midnight CST is 23.5 h.
    "in the repeated hour": {"2026-11-01": Day("2026-11-01 04:00", "2026-11-02 06:00", "1560")},
    "late first row": {"2026-02-01": Day("2026-01-31 15:00", "2026-02-01 15:00", "1440")},
}
ALL_DATES = {case.zone: case.dates for case in CASES} | MOVED_DATES
ALL_DAYS = {case.zone: case.days for case in CASES} | MOVED_DAYS
# One relationship of each, however often and wherever its day comes back.
REPEATED = {
    "America/New_York": ("2026-11-01 05:30", "2026-11-01 06:30"),  # 01:30 twice
    "America/Santiago": ("2026-04-05 02:30", "2026-04-05 03:30"),  # 23:30 twice
    "America/St_Johns": ("2010-11-07 02:30:30", "2010-11-07 03:30"),  # 2010-11-07 twice
    "south to north": ("2026-06-15 02:00", "2026-06-15 08:00"),  # 2026-06-15 in two zones
}


@pytest.fixture(scope="module")
def home(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse built from landing files that hold all cases."""
    settings = Settings(home=tmp_path_factory.mktemp("named"), as_of=AS_OF)
    etc = "Etc/GMT+12"
    write_reference(
        settings.landing,
        accounts=[{"account_id": name, "account_name": name, "currency_code": "USD"} for name in "AB"],
        contracts=[
            {
                "contract_id": f"contract {name}",
                "account_id": name,
                "rate_plan_id": "starter",
                "starts_on": "2005-01-01",
                "functions_over_cap": "charge",
            }
            for name in "AB"
        ],
        sites=[site(case.zone, "A", case.zone, at=LONG_AGO) for case in CASES if case.zone != etc]
        + [site(name, account, zone, at=at) for name, rows in MOVES.items() for zone, account, at in rows],
    )
    conversations, invocations = [], []
    for name, dates in ALL_DATES.items():
        for text in dates:
            at, key = milliseconds(instant(text)), f"{name} {text}"
            session = {"sessionId": key, "startTimeL": at, "interactiveTimeL": at, "isInteractive": True}
            conversations.append(
                conversation(key, [message("m", at, who=key)], site_id=name, consumers=[key], sessions=[session])
            )
            invocations.append(invocation(key, at, accountId=name, functionUuid=key))
    for name, moments in REPEATED.items():
        own = [message(str(number), milliseconds(instant(text)), who="twin") for number, text in enumerate(moments)]
        conversations.append(conversation(f"{name} twin", own, site_id=name, consumers=["twin"]))
    write_lines(settings.landing, "messaging_interactions/all.jsonl", conversations)
    write_lines(settings.landing, "function_invocations/all.jsonl", invocations)
    with project.open(settings.home) as connection:
        load(connection, settings, PERIOD)
        refused = connection.execute("select reason, detail from raw.rejected_records").fetchall()
        assert refused == []
        connection.execute(
            "insert into raw.sites select any_value(content_id), 0, $1, 'A', $1, true, $2 from raw.sites",
            [etc, instant("2000-01-01 00:00")],
        )
        connection.execute(
            "update raw.landing_contents set records = records + 1 "
            "where content_id in (select content_id from raw.sites)"
        )
        zones.load_zone_offsets(connection)
        project.build(connection)
    return settings.home


@pytest.mark.parametrize("name", list(ALL_DATES))
def test_messages_sessions_and_invocations_fall_on_the_dates_written_here(
    project: Project, home: Path, name: str
) -> None:
    expected = {f"{name} {text}": date.fromisoformat(day) for text, day in ALL_DATES[name].items()}
    with project.open(home) as connection:
        for table, key in (
            ("usage.fct_daily_active_relationships", "relationship_id"),
            ("usage.fct_cobrowse_sessions", "session_id"),
            ("usage.fct_function_invocations", "function_id"),
        ):
            found = connection.execute(
                f"select {key}, activity_date from {table} where site_id = ? and {key} <> 'twin'", [name]
            ).fetchall()
            assert len(found) == len(expected), table
            assert dict(found) == expected, table


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.zone)
def test_the_dates_written_here_are_zoneinfos(case: Case) -> None:
    """The hand may err too."""
    for text, day in case.dates.items():
        assert str(local_date(case.zone, milliseconds(instant(text)))) == day, text


@pytest.mark.parametrize("name", list(REPEATED))
def test_a_relationship_counts_once_on_a_date_that_comes_back(project: Project, home: Path, name: str) -> None:
    with project.open(home) as connection:
        found = connection.execute(
            "select consumer_messages from usage.fct_daily_active_relationships "
            "where site_id = ? and relationship_id = 'twin'",
            [name],
        ).fetchall()
    assert found == [(2,)]


@pytest.mark.parametrize("name", [name for name, days in ALL_DAYS.items() if days])
def test_the_calendar_shows_each_date_as_it_was(project: Project, home: Path, name: str) -> None:
    with project.open(home) as connection:
        for day, expected in ALL_DAYS[name].items():
            found = connection.execute(
                "select epoch_ms(first_instant_at), epoch_ms(last_instant_at), pieces, minutes "
                "from reference.dim_site_days where site_id = ? and site_date = try_cast(? as date)",
                [name, day],
            ).fetchall()
            if expected is None:
                assert found == [], day
            else:
                ends = (milliseconds(instant(expected.first)), milliseconds(instant(expected.last)))
                assert found == [(*ends, expected.pieces, Decimal(expected.minutes))], day


def test_every_month_is_as_long_as_the_time_that_passed(project: Project, home: Path) -> None:
    """Per site and month: the minutes of its dates are those from its first instant to the next month's first."""
    with project.open(home) as connection:
        months = connection.execute(
            """
            with months as (
                select
                    site_id, period_of_date, min(first_instant_at) as begins_at, max(last_instant_at) as ends_at,
                    sum(minutes) as minutes, min(site_date) as first_date, max(site_date) as last_date,
                    count(*) as dates
                from (
                    select *, substr(cast(site_date as varchar), 1, 7) as period_of_date from reference.dim_site_days
                ) as days
                group by all
            )
            select
                site_id, period_of_date, minutes, epoch_us(begins_at), epoch_us(ends_at),
                epoch_us(lead(begins_at) over (partition by site_id order by period_of_date)), dates,
                last_date - first_date + 1
            from months"""
        ).fetchall()
    assert len({row[0] for row in months}) == len(ALL_DATES)
    apia = {(row[0], row[1]): row[6:] for row in months}["Pacific/Apia", "2011-12"]
    assert apia == (30, 31)  # one date is missing, and only that one
    for name, month, minutes, begins, ends, next_begins, dates, span in months:
        assert minutes * 60_000_000 == ends - begins, (name, month)
        assert next_begins in (None, ends), (name, month)
        assert dates == span or (name, month) == ("Pacific/Apia", "2011-12")


def test_the_contract_is_that_of_the_dates_first_instant(project: Project, home: Path) -> None:
    """SPEC R6: the site went from account A to B with its zone, in mid-day; a date is billed to one of them."""
    expected = {
        "south to north": {"2026-06-14": "contract A", "2026-06-15": "contract A", "2026-06-16": "contract B"},
        "north to south": {"2026-06-14": "contract A", "2026-06-15": "contract B", "2026-06-16": "contract B"},
    }
    with project.open(home) as connection:
        for name, days in expected.items():
            shown = connection.execute(
                "select cast(site_date as varchar), contract_id from reference.dim_site_days "
                "where site_id = ? and site_date between date '2026-06-14' and date '2026-06-16'",
                [name],
            ).fetchall()
            assert dict(shown) == days
            metered = connection.execute(
                "select cast(activity_date as varchar), contract_id, cast(quantity as integer) "
                "from usage.fct_daily_usage "
                "where site_id = ? and meter = 'dar' order by 1",
                [name],
            ).fetchall()
            dar = Counter(ALL_DATES[name].values())
            if name in REPEATED:
                dar["2026-06-15"] += 1
            assert metered == [(day, days[day], dar[day]) for day in sorted(dar)]


def test_no_message_is_lost_and_none_doubled(project: Project, home: Path) -> None:
    messages = sum(len(dates) for dates in ALL_DATES.values()) + sum(len(moments) for moments in REPEATED.values())
    with project.open(home) as connection:
        counted = connection.execute(
            "select sum(consumer_messages) from usage.fct_daily_active_relationships"
        ).fetchall()
        off = [row for row in table_rows(connection, "quality.fct_reconciliation") if row[-1] != 0]
    assert counted == [(messages,)]
    assert off == []


def test_each_date_holds_exactly_its_instants(project: Project, home: Path) -> None:
    """dim_site_days against facts: every message lies in [first, last) of its date."""
    with project.open(home) as connection:
        outside = connection.execute(
            """
            select facts.site_id, facts.activity_date from usage.fct_daily_active_relationships as facts
            left join reference.dim_site_days as days
                on facts.site_id = days.site_id and facts.activity_date = days.site_date
            where days.site_id is null
                or facts.first_message_at < days.first_instant_at or facts.last_message_at >= days.last_instant_at"""
        ).fetchall()
    assert outside == []
