"""Writes the demo's files into a landing folder, and into no folder that holds anything else."""

import hashlib
import json
from pathlib import Path

MANIFEST = ".demo_manifest.json"
PARTIAL = ".demo_partial"


def write(landing: Path, files: dict[str, bytes], is_whole_set: bool) -> list[Path]:
    """Bring the folder to these files; what is there already with the same bytes is not touched.

    The manifest names every file that the demo wrote, with its SHA-256, and is written first: a call that died half-way
    is finished by the next. With `is_whole_set`, files of an older demo that is no longer written are removed, except
    the paths given with the value b"" (written by another step, left as they are).

    Raises LedgerError if the folder holds a file that the demo did not write, or one that was edited since.
    """
    if landing.exists() and not landing.is_dir():
        _refuse(landing, landing.name, "is not a folder")
    wanted = {path: hashlib.sha256(data).hexdigest() for path, data in files.items() if data}
    known = _manifest(landing)
    present = {path.relative_to(landing).as_posix(): path for path in sorted(landing.rglob("*")) if _is_file(path)}
    for name in (MANIFEST, PARTIAL):
        present.pop(name, None)
    hashes = {name: _sha256(path) for name, path in present.items()}
    for name, sha256 in hashes.items():
        if sha256 not in (known.get(name), wanted.get(name)):
            _refuse(landing, name, "was changed since" if name in known or name in wanted else "is not of the demo")

    # Our own of an older demo: gone before the manifest forgets them.
    for name, sha256 in hashes.items():
        if sha256 != wanted[name] if name in wanted else is_whole_set and name not in files:
            present[name].unlink()
    if is_whole_set:
        known = {name: known[name] for name in known.keys() & files.keys()}
    manifest = known | wanted
    landing.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"files": dict(sorted(manifest.items()))}, indent=1, ensure_ascii=False) + "\n"
    _put(landing, MANIFEST, text.encode())
    for name in wanted:
        if hashes.get(name) != wanted[name]:
            _put(landing, name, files[name])
    return [landing / name for name in sorted(wanted)]


def _put(landing: Path, name: str, data: bytes) -> None:
    """Whole or not at all: a run that looks meanwhile must not see half a file."""
    target, partial = landing / name, landing / PARTIAL
    if target.is_file() and target.read_bytes() == data:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(data)
    partial.replace(target)


def _is_file(path: Path) -> bool:
    return path.is_symlink() or not path.is_dir()


def _sha256(path: Path) -> str:
    if path.is_symlink():  # never ours, and not followed
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(landing: Path) -> dict[str, str]:
    path = landing / MANIFEST
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))["files"])
    except (ValueError, KeyError, TypeError):
        return {}


def _refuse(landing: Path, name: str, why: str) -> None:
    from orchestration.settings import LedgerError  # late: the demo's data can be made without the orchestration

    raise LedgerError(
        f"The demo writes only into a landing folder of its own, and {name} in {landing} {why}: "
        "set LEDGER_HOME to another folder, or remove the file."
    )
