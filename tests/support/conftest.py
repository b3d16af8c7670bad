"""Makes this folder's oracle and cases importable."""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
for folder in (FOLDER, FOLDER.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
