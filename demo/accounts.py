"""Who the customers of the demo are: accounts, sites with their zones, contracts; and their reference files."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from demo.clock import epoch_ms, moment, zone

STARTS = "2026-01-01T00:00:00Z"

WEB_SMS = ("SHARK",) * 6 + ("SMS",) * 3 + ("EMAIL",)
SOCIAL = ("SHARK",) * 4 + ("SMS",) * 2 + ("FACEBOOK",) * 3 + ("WHATSAPP",)
MOBILE = ("APP",) * 3 + ("SHARK",) * 4 + ("WHATSAPP",) * 3


@dataclass(frozen=True)
class Site:
    """A site, and how much happens on it. Pairs are (first period, second period so far)."""

    site_id: str
    account_id: str
    number: int
    history: tuple[tuple[str, str, bool], ...]  # effective_at, time zone, listening
    sources: tuple[str, ...]
    relationships: tuple[int, int]  # DARs
    invocations: tuple[int, int]
    staff: tuple[int, int] = (2, 1)  # humans, bots
    hires: int = 0  # humans who are enabled only from the second snapshot on

    @cached_property
    def _zones(self) -> tuple[tuple[int, str], ...]:
        return tuple((epoch_ms(effective_at), name) for effective_at, name, _ in self.history)

    def instant(self, local: datetime, fold: int = 0) -> int:
        """Epoch milliseconds of a wall-clock time in the zone in force; of two that fit, the later zone's."""
        for effective_at, name in reversed(self._zones):
            at = epoch_ms(local.replace(tzinfo=zone(name), fold=fold))
            if at >= effective_at:
                return at
        return at

    def local(self, ms: int) -> datetime:
        """The wall-clock time of an instant in the zone in force then."""
        name = [name for effective_at, name in self._zones if effective_at <= ms][-1]
        return moment(ms).astimezone(zone(name))

    def date(self, ms: int) -> date:
        """The activity date of an instant (SPEC R2)."""
        return self.local(ms).date()

    def humans(self) -> list[str]:
        """Ids of the human agents."""
        return [str(4_100_000_000 + self.number * 1_000 + n) for n in range(1, self.staff[0] + self.hires + 1)]

    def bots(self) -> list[str]:
        """Ids of the bots."""
        return [str(4_100_000_500 + self.number * 1_000 + n) for n in range(1, self.staff[1] + 1)]

    def system(self) -> str:
        """Id of the sender of automatic messages."""
        return str(4_100_000_900 + self.number * 1_000)


def _in(zone_name: str, listening: bool = False) -> tuple[tuple[str, str, bool], ...]:
    return ((STARTS, zone_name, listening),)


SITES = (
    # Over the allowance: 2,150 DAR are two started blocks. alpine-us moves from east to west on 17 March, at noon.
    Site("alpine-us", "alpine", 1,
         ((STARTS, "America/New_York", True), ("2026-03-17T16:00:00Z", "America/Los_Angeles", True)),
         WEB_SMS, (1_000, 800), (24_000, 17_000)),
    Site("alpine-ca", "alpine", 2, _in("America/St_Johns"), WEB_SMS, (600, 480), (9_000, 6_000)),
    Site("alpine-mx", "alpine", 3, _in("America/Mexico_City"), SOCIAL, (550, 440), (8_000, 5_500)),
    # Exactly the allowance, until a late file brings three more.
    Site("harbour-east", "harbour", 4, _in("Australia/Sydney", True), WEB_SMS, (1_150, 640), (31_000, 20_000)),
    Site("harbour-south", "harbour", 5, _in("Australia/Adelaide"), WEB_SMS, (600, 330), (12_000, 8_000), (3, 1)),
    Site("harbour-nz", "harbour", 6,
         ((STARTS, "Pacific/Auckland", False), ("2026-03-15T11:00:00Z", "Pacific/Auckland", True)),
         SOCIAL, (250, 140), (6_000, 4_000)),
    # Few relationships, many invocations: above the cap, and charged.
    Site("himal-np", "himal", 7, _in("Asia/Kathmandu"), SOCIAL, (220, 140), (92_000, 61_000)),
    Site("himal-in", "himal", 8, _in("Asia/Kolkata"), WEB_SMS, (260, 160), (71_420, 47_000)),
    # Above the cap too, but suspended; twelve platform users from 16 March on.
    Site("southarc-cl", "southarc", 9,
         ((STARTS, "America/Santiago", True), ("2026-04-05T03:00:00Z", "America/Santiago", False)),
         SOCIAL, (240, 150), (83_000, 54_000), hires=1),
    Site("southarc-br", "southarc", 10, _in("America/Sao_Paulo"), SOCIAL, (200, 130), (52_500, 33_000), hires=1),
    Site("southarc-ch", "southarc", 11, _in("Pacific/Chatham"), WEB_SMS, (90, 60), (19_500, 12_000), hires=1),
    # Euro, graduated tiers.
    Site("nordlicht-de", "nordlicht", 12, _in("Europe/Berlin", True), MOBILE, (620, 400), (40_000, 26_000), (4, 2)),
    Site("nordlicht-uk", "nordlicht", 13, _in("Europe/London"), SOCIAL, (310, 200), (18_000, 11_500)),
    Site("nordlicht-ma", "nordlicht", 14, _in("Africa/Casablanca"), MOBILE, (90, 60), (4_000, 2_600)),
    # Yen, volume price, no minor units.
    Site("hoshizora-jp", "hoshizora", 15, _in("Asia/Tokyo", True),
         ("LINE",) * 4 + WEB_SMS, (780, 480), (76_000, 48_000), (5, 2)),
    Site("hoshizora-hi", "hoshizora", 16, _in("Pacific/Honolulu", True),
         ("APPLE",) * 3 + WEB_SMS, (330, 210), (37_500, 24_000)),
)  # fmt: skip

SITE_OF = {site.site_id: site for site in SITES}

ACCOUNTS = (
    ("alpine", "Alpine Outfitters", "USD"),
    ("harbour", "Harbour & Vale", "USD"),
    ("himal", "Himal Trek Supply", "USD"),
    ("southarc", "South Arc Telecom", "USD"),
    ("nordlicht", "Nordlicht Möbel", "EUR"),
    ("hoshizora", "Hoshizora Travel", "JPY"),
)

CONTRACTS = (
    ("alpine-2025", "alpine", "starter", "2025-07-01", "", "charge", "PO-7741", 30),
    ("harbour-2026", "harbour", "starter", "2026-01-01", "2027-01-01", "charge", "", 14),
    ("himal-2026", "himal", "starter", "2026-01-01", "", "charge", "PO-HTS-19", 30),
    ("southarc-2025", "southarc", "starter", "2025-10-01", "", "suspended", "", 45),
    ("nordlicht-2026", "nordlicht", "scale_eur", "2026-01-01", "2028-01-01", "charge", "4500017733", 30),
    ("hoshizora-2026", "hoshizora", "enterprise_jpy", "2026-03-01", "2027-03-01", "charge", "", 60),
)

CREDITS = (
    ("credit-001", "nordlicht-2026", "2026-03", "45.00", "EUR", "Outage of 12 March, NOC-2026-0312", "a.approver"),
)


def _csv(header: str, rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(", "))
    writer.writerows(rows)
    return text.getvalue().encode()


def reference_files() -> dict[str, bytes]:
    """The reference CSVs by their path in the landing folder."""
    sites = [
        (site.site_id, site.account_id, zone_name, str(listening).lower(), effective_at)
        for site in SITES
        for effective_at, zone_name, listening in site.history
    ]
    terms = "starts_on, ends_on, functions_over_cap, purchase_order, payment_terms_days"
    return {
        "reference/accounts.csv": _csv("account_id, account_name, currency_code", ACCOUNTS),
        "reference/sites.csv": _csv("site_id, account_id, time_zone, listening_enabled, effective_at", sites),
        "reference/contracts.csv": _csv(f"contract_id, account_id, rate_plan_id, {terms}", CONTRACTS),
        "reference/credits.csv": _csv(
            "credit_id, contract_id, usage_period, amount, currency_code, reason, approved_by", CREDITS
        ),
    }
