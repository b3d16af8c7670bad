"""`python -m demo --landing FOLDER [--late]`: write the demo's landing files."""

import argparse
import sys
from pathlib import Path

from demo import write_landing, write_late


def main() -> int:
    """Write the files, say how many; 1 and one sentence if the folder is not ours."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Write the sample landing data.")
    parser.add_argument("--landing", type=Path, required=True, help="the landing folder")
    parser.add_argument("--late", action="store_true", help="write only the file that arrives after the close")
    arguments = parser.parse_args()
    from orchestration.settings import LedgerError

    try:
        files = (write_late if arguments.late else write_landing)(arguments.landing)
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in files)
    print(f"{len(files)} demo files, {size / 1e6:.1f} MB, in {arguments.landing}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
