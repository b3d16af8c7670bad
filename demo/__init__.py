"""Sample landing data in LivePerson's own payload format: the same bytes on every machine.

Two periods with daylight-saving changes in both hemispheres: North America on 8 March, Africa/Casablanca on 22 March,
Europe on 29 March; Australia, New Zealand, Chatham and Chile on 4 and 5 April 2026.
"""

from pathlib import Path

from demo.accounts import reference_files
from demo.exports import LATE_FILE, conversation_files, late_files
from demo.files import write
from demo.functions import function_files
from demo.payload import MARKERS
from demo.support import support_files
from demo.users import user_files

PERIODS = ("2026-03", "2026-04")  # closed, draft
AS_OF_CLOSE = "2026-04-20T11:30:00Z"  # after everything of write_landing, before write_late
AS_OF_RUN = "2026-04-20T12:00:00Z"

__all__ = ["AS_OF_CLOSE", "AS_OF_RUN", "MARKERS", "PERIODS", "write_landing", "write_late"]


def write_landing(landing: Path) -> list[Path]:
    """Write everything that arrives before the first period is closed; returns its files, written now or before.

    A late file that is there already stays. Raises LedgerError if the folder holds files of anybody else.
    """
    files = conversation_files() | function_files() | user_files() | support_files() | reference_files()
    return write(landing, files | {LATE_FILE: b""}, is_whole_set=True)


def write_late(landing: Path) -> list[Path]:
    """Write the one file that arrives after the close, with messages of the first period; returns it.

    Raises LedgerError if the folder holds files of anybody else.
    """
    return write(landing, late_files(), is_whole_set=False)
