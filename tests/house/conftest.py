"""dbt's manifest of the project as it stands, parsed once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from house_project import House

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The project's own manifest: `dbt parse` needs no warehouse."""
    target = tmp_path_factory.mktemp("house")
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "parse"]
    for option, value in (("project-dir", ROOT), ("profiles-dir", ROOT), ("target-path", target), ("log-path", target)):
        command += [f"--{option}", str(value)]
    environment = os.environ | {"LEDGER_HOME": str(target), "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    return House(json.loads((target / "manifest.json").read_text(encoding="utf-8")), ROOT)
