"""Support cases: waits for the customer, changed severities, a reopening, an incident of the NOC, work not covered."""

from typing import Any

from demo.clock import MINUTE, epoch_ms
from demo.exports import to_lines

FOLDER = "support_cases"
TURN = "2026-04-01T00:00:00Z"

# case, site, opened by, opened at, severity, channel, scope, incident,
# then minutes after the opening and what happened; "=" gives the new severity or scope.
CASES = (
    ("C-2001", "alpine-us", "CUSTOMER", "2026-03-03T14:05:00Z", "2", "MESSAGING", "COVERED", "",
     "14 RESPONDED, 95 UPDATED, 200 WAITING_ON_CUSTOMER, 1640 CUSTOMER_REPLIED, 1700 UPDATED, 1905 RESOLVED"),
    ("C-2002", "harbour-east", "CUSTOMER", "2026-03-05T22:40:00Z", "3", "EMAIL", "COVERED", "",
     "130 RESPONDED, 1500 UPDATED, 2880 RESOLVED, 6000 REOPENED, 6055 RESPONDED, 7300 RESOLVED"),
    ("C-2003", "nordlicht-de", "NOC", "2026-03-12T09:02:00Z", "1", "", "COVERED", "NOC-2026-0312",
     "6 RESPONDED, 35 UPDATED, 64 UPDATED, 110 UPDATED, 171 RESOLVED, 2900 RCA_DELIVERED"),
    ("C-2004", "nordlicht-uk", "NOC", "2026-03-12T09:03:00Z", "1", "", "COVERED", "NOC-2026-0312",
     "7 RESPONDED, 36 UPDATED, 65 UPDATED, 171 RESOLVED, 2901 RCA_DELIVERED"),
    ("C-2005", "hoshizora-jp", "NOC", "2026-03-12T09:04:00Z", "1", "", "COVERED", "NOC-2026-0312",
     "55 RESPONDED, 180 UPDATED, 240 RESOLVED, 9000 RCA_DELIVERED"),
    ("C-2006", "himal-in", "CUSTOMER", "2026-03-14T05:30:00Z", "3", "CHAT", "COVERED", "",
     "20 RESPONDED, 60 SEVERITY_CHANGED=1, 70 RESPONDED, 150 SEVERITY_CHANGED=2, 420 RESOLVED, 3000 RCA_DELIVERED"),
    ("C-2007", "himal-np", "CUSTOMER", "2026-03-18T11:15:00Z", "2", "EMAIL", "CUSTOM_FUNCTION", "",
     "400 RESPONDED, 1440 RESOLVED"),
    ("C-2008", "southarc-cl", "CUSTOMER", "2026-03-20T16:45:00Z", "2", "MESSAGING", "COVERED", "",
     "25 RESPONDED, 300 SCOPE_CHANGED=THIRD_PARTY, 2000 SCOPE_CHANGED=COVERED, 2100 UPDATED, 2600 RESOLVED"),
    ("C-2009", "southarc-br", "CUSTOMER", "2026-03-24T18:00:00Z", "4", "EMAIL", "CUSTOM_REPORT", "",
     "2000 RESPONDED, 4000 RESOLVED"),
    ("C-2010", "alpine-mx", "CUSTOMER", "2026-03-27T15:20:00Z", "1", "EMAIL", "COVERED", "",
     "12 RESPONDED, 45 WAITING_ON_CUSTOMER, 130 CUSTOMER_REPLIED, 150 UPDATED, 400 UPDATED, 660 RESOLVED"),
    ("C-2011", "harbour-nz", "CUSTOMER", "2026-03-31T20:10:00Z", "3", "CHAT", "COVERED", "",
     "60 WAITING_ON_CUSTOMER, 3000 CUSTOMER_REPLIED, 4400 UPDATED, 9000 RESOLVED"),
    ("C-2012", "alpine-us", "CUSTOMER", "2026-04-06T13:00:00Z", "2", "MESSAGING", "COVERED", "",
     "18 RESPONDED, 200 SEVERITY_CHANGED=4, 3000 UPDATED, 8000 SCOPE_CHANGED=SOLUTION_NOT_IMPLEMENTED"),
    ("C-2013", "hoshizora-hi", "CUSTOMER", "2026-04-13T02:30:00Z", "3", "CHAT", "DATA_NOT_PROVIDED", "",
     "45 RESPONDED, 90 WAITING_ON_CUSTOMER"),
    ("C-2014", "nordlicht-ma", "CUSTOMER", "2026-04-17T08:00:00Z", "2", "MESSAGING", "COVERED", "",
     "10 RESPONDED, 120 UPDATED, 300 RESOLVED, 700 REOPENED, 720 RESPONDED, 730 SEVERITY_CHANGED=1, 760 UPDATED"),
    ("C-2015", "harbour-south", "CUSTOMER", "2026-04-20T08:30:00Z", "1", "CHAT", "COVERED", "", "9 RESPONDED"),
    # Its second update is not due while the customer is waited for: an open promise.
    ("C-2016", "alpine-us", "CUSTOMER", "2026-04-18T15:00:00Z", "2", "CHAT", "COVERED", "",
     "22 RESPONDED, 100 WAITING_ON_CUSTOMER"),
)  # fmt: skip


def _events() -> list[dict[str, Any]]:
    events = []
    for case_id, site_id, opened_by, opened_at, severity, channel, scope, incident_id, story in CASES:
        for step in ("0 OPENED, " + story).split(", "):
            minutes, event = step.split()
            event, _, value = event.partition("=")
            severity = value if event == "SEVERITY_CHANGED" else severity
            scope = value if event == "SCOPE_CHANGED" else scope
            record = {
                "caseId": case_id,
                "accountId": site_id,
                "openedBy": opened_by,
                "severity": severity,
                "channel": channel,
                "event": event,
                "timestampL": epoch_ms(opened_at) + int(minutes) * MINUTE,
                "scope": scope,
                "incidentId": incident_id,
            }
            events.append({key: value for key, value in record.items() if value})
    return events


def support_files() -> dict[str, bytes]:
    """A file per month by its path in the landing folder; the first is out of order, the second repeats some events."""
    turn, day = epoch_ms(TURN), 24 * 60 * MINUTE
    first = [one for one in _events() if one["timestampL"] < turn]
    second = [one for one in _events() if one["timestampL"] >= turn - day]
    first.sort(key=lambda one: (one["event"], one["timestampL"]))
    return {
        f"{FOLDER}/cases_2026-03.jsonl": to_lines(first),
        f"{FOLDER}/cases_2026-04.jsonl": to_lines(second),
    }
