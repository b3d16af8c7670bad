"""Millions of random instants in random zones, and in sites that change zone at random: same dates, same DAR."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from zone_oracle import BEGIN, END, EPOCH, Stretches, local_date, milliseconds, stretches, zone_names
from zone_project import Project, write_messages, write_run, write_sites

MESSAGES = 2_000_000
CROSS_CHECKED = 50_000
MOVING_SITES = 400
CONSUMERS = 300  # a site
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
Row = tuple[str, str, datetime]


def moving_sites(random: np.random.Generator) -> list[Row]:
    """Sites with two to six zones: half of the moves at any millisecond, half at a change of one of the zones."""
    rows = []
    for number in range(MOVING_SITES):
        own = [str(name) for name in random.choice(zone_names(), int(random.integers(2, 7)))]
        moments = {LONG_AGO}
        for name in own[1:]:
            changes = stretches(name).transitions()
            if changes and random.random() < 0.5:
                seconds = changes[int(random.integers(len(changes)))][0] + int(random.integers(-2, 3)) * 3600
                moments.add(EPOCH + timedelta(seconds=seconds))
            else:
                moments.add(EPOCH + timedelta(milliseconds=int(random.integers(BEGIN * 1000, END * 1000))))
        rows += [(f"moving {number}", name, moment) for name, moment in zip(own, sorted(moments), strict=False)]
    return rows


def stretches_of_site(rows: Sequence[Row]) -> Stretches:
    """A moving site's stretches in milliseconds: those of each zone while its row holds (SPEC R2)."""
    starts, offsets = [], []
    ends = [milliseconds(moment) for _, _, moment in rows[1:]] + [2**62]
    for (_, name, moment), end in zip(rows, ends, strict=True):
        begin = milliseconds(moment) if starts else -(2**62)
        own = stretches(name)
        inside = (own.starts * 1000 > begin) & (own.starts * 1000 < end) & (own.starts > -(2**50))
        starts += [begin, *(own.starts[inside] * 1000).tolist()]
        offsets += [int(own.offset_at(np.array([begin]))[0]), *own.offsets[inside].tolist()]
    assert all(before < after for before, after in pairwise(starts))
    return Stretches(np.array(starts), np.array(offsets))


@pytest.mark.parametrize("seed", [20261122])
def test_random_messages_have_the_oracles_dates_and_dar(
    project: Project, all_zone_offsets: Path, tmp_path: Path, seed: int
) -> None:
    random = np.random.default_rng(seed)
    moving = moving_sites(random)
    rows: list[Row] = [(name, name, LONG_AGO) for name in zone_names()] + moving
    sites = list(dict.fromkeys(name for name, _, _ in rows))
    rows_of = {name: [row for row in moving if row[0] == name] for name in sites}
    site = np.sort(random.integers(0, len(sites), MESSAGES))
    # Half anywhere, half within two days of some zone's change: that is where dates go wrong.
    epoch_ms = random.integers(BEGIN * 1000, END * 1000, MESSAGES)
    changes = np.array(sorted({at for name in zone_names() for at, _, _ in stretches(name).transitions()}))
    near = random.random(MESSAGES) < 0.5
    around = random.integers(-2 * 86_400_000, 2 * 86_400_000, MESSAGES)
    epoch_ms = np.clip(
        np.where(near, random.choice(changes, MESSAGES) * 1000 + around, epoch_ms), BEGIN * 1000, END * 1000 - 1
    )
    conversation = site * CONSUMERS + random.integers(0, CONSUMERS, MESSAGES)

    day = np.empty(MESSAGES, np.int64)
    borders = np.searchsorted(site, np.arange(len(sites) + 1))
    for number, name in enumerate(sites):
        part = slice(borders[number], borders[number + 1])
        if own := rows_of[name]:
            of_site = stretches_of_site(own)
            offset = of_site.offsets[np.searchsorted(of_site.starts, epoch_ms[part], side="right") - 1]
            day[part] = (epoch_ms[part] + offset * 1000) // 86_400_000
        else:
            day[part] = stretches(name).day_at(epoch_ms[part])

    # The oracle against zoneinfo, row by row, on a part.
    for at in random.integers(0, MESSAGES, CROSS_CHECKED).tolist():
        name, moment = sites[site[at]], int(epoch_ms[at])
        in_force = name
        for _, of_row, since in rows_of[name]:
            if in_force == name or milliseconds(since) <= moment:
                in_force = of_row
        assert local_date(in_force, moment) == date.fromordinal(int(day[at]) + 719163), (name, moment)

    with project.open(tmp_path) as connection:
        connection.execute(f"insert into raw.zone_offsets from '{all_zone_offsets}'")
        write_sites(connection, rows)
        write_run(connection, datetime(2038, 1, 3, tzinfo=UTC), date(2037, 12, 1))
        write_messages(connection, sites, site, conversation, epoch_ms)
        project.build(connection, "int_relationship_days")
        groups = connection.execute(
            """
            select conversation_copy_id as conversation, activity_date - date '1970-01-01' as day, messages,
                epoch_ms(first_message_at) as first_ms, epoch_ms(last_message_at) as last_ms
            from intermediate.int_message_groups
            order by conversation, day"""
        ).fetchnumpy()
        facts = connection.execute(
            """
            select substr(relationship_id, 2)::bigint as conversation, activity_date - date '1970-01-01' as day,
                consumer_messages as messages, epoch_ms(first_message_at) as first_ms,
                epoch_ms(last_message_at) as last_ms
            from intermediate.int_relationship_days
            order by conversation, day"""
        ).fetchnumpy()

    order = np.lexsort((epoch_ms, day, conversation))
    keys = np.stack((conversation[order], day[order]), axis=1)
    first = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    last = np.r_[first[1:], MESSAGES]
    expected = {
        "conversation": keys[first, 0],
        "day": keys[first, 1],
        "messages": last - first,
        "first_ms": epoch_ms[order][first],
        "last_ms": epoch_ms[order][last - 1],
    }
    for found in (groups, facts):
        assert len(found["day"]) == len(first), "another count of DAR"
        for column, values in expected.items():
            assert np.array_equal(np.asarray(found[column], np.int64), values), column
