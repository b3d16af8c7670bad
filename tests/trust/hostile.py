"""`python hostile.py <home>`: load a landing folder as a run does and say how much memory that took, in MB."""

import json
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from orchestration import landing, reference  # noqa: E402
from orchestration.settings import Settings, connect  # noqa: E402


def main(home: str) -> None:
    settings = Settings.from_environment({"LEDGER_HOME": home, "LEDGER_MEMORY_LIMIT": "512MB",
                                          "LEDGER_AS_OF": "2026-04-20T12:00:00Z"})  # fmt: skip
    with connect(settings) as connection:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        landing.load_landing(connection, settings, lambda _: None)
        reference.load_reference(connection, settings, lambda _: None)
        contents = connection.execute(
            "select files.path, contents.records, contents.rejects from raw.landing_contents as contents "
            "join raw.landing_files as files using (content_id) order by 1"
        ).fetchall()
        reasons = connection.execute("select reason, count(*) from raw.rejected_records group by 1").fetchall()
        listed = connection.execute("select count(*) from raw.rejected_records where detail is null").fetchall()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        json.dumps(
            {
                "before": before,
                "peak": peak,
                "contents": contents,
                "reasons": dict(reasons),
                "unexplained": listed[0][0],
                "left": [path.name for path in settings.temporary.iterdir()],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
