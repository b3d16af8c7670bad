"""Snapshots of the platform users: one file per site and snapshot, as the Users API lists them."""

from datetime import datetime
from typing import Any

from demo.accounts import SITES, Site
from demo.exports import packed, to_json

FOLDER = "platform_users"
SNAPSHOTS = ("2026-03-01T00:05", "2026-03-16T00:05", "2026-04-01T00:05", "2026-04-15T00:05")  # site-local


def _user(user_id: str, user_type: int, is_enabled: bool = True, is_deleted: bool = False) -> dict[str, Any]:
    return {
        "id": user_id,
        "pid": f"pid-{user_id}",
        "deleted": is_deleted,
        "loginName": f"agent.{user_id}@example.com",
        "fullName": f"Testperson {user_id}",
        "nickname": f"Testperson {user_id}",
        "email": f"agent.{user_id}@example.com",
        "userTypeId": user_type,
        "isApiUser": False,
        "isEnabled": is_enabled,
        "maxChats": 0,
        "profileIds": [2],
    }


def _users(site: Site, turn: int) -> list[dict[str, Any]]:
    """Those who work, and two who are not provisioned: one disabled, one deleted."""
    humans = site.humans() if turn else site.humans()[: site.staff[0]]
    former = str(4_100_000_800 + site.number * 1_000)
    return [
        *(_user(one, 1) for one in humans),
        *(_user(one, 2) for one in site.bots()),
        _user(former, 1, is_enabled=False),
        _user(f"{former}1", 1, is_deleted=True),
    ]


def user_files() -> dict[str, bytes]:
    """The snapshots by their path in the landing folder."""
    files = {}
    for site in SITES:
        for turn, local in enumerate(SNAPSHOTS):
            snapshot = {
                "accountId": site.site_id,
                "snapshotTimeL": site.instant(datetime.fromisoformat(local)),
                "users": _users(site, turn),
            }
            suffix = "json.gz" if turn == 3 else "json"
            files[f"{FOLDER}/{site.site_id}_{local[:10]}.{suffix}"] = packed(suffix, to_json(snapshot))
    return files
