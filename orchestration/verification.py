"""`make verify`: is everything that must not change as it was? (SPEC C1)

Seals and their chain, the landing files behind the warehouse, the final exports. Nothing is repaired here.
"""

from __future__ import annotations

from orchestration.exports import FINAL, export_folder, read_manifest
from orchestration.sealing import verify_chain
from orchestration.settings import LedgerError, Settings, connect
from orchestration.terminal import BOLD, GREEN, paint, table
from orchestration.versions import file_sha256


def verify(settings: Settings, head: str = "") -> str:
    """A table of what was proven. Raises LedgerError naming the first thing that is not as it was.

    `head`: the last seal's hash (or its first eight characters or more) as noted elsewhere; a chain that was cut or
    made anew as a whole has another one.
    """
    chain = verify_chain(settings)
    _nothing_lost(settings, {seal.seal_hash for seal in chain.seals})
    last = chain.head.seal_hash if chain.head else ""
    if head and (len(head) < 8 or not last.startswith(head.lower())):
        raise LedgerError(
            f"The last seal is {chain.head_text}, not {head}: sealed/ is not the chain you noted; "
            "put it back from a backup."
        )
    rows = [
        ("seals", len(chain.seals), "each file, the chain and HEAD are as sealed"),
        ("landing files", *_landing(settings)),
        ("final exports", *_exports(settings, [seal.period for seal in chain.seals])),
    ]
    return "\n".join([table(["what", "checked", "result"], rows, {}), "", f"{paint('HEAD', BOLD)} {chain.head_text}",
                      paint("Verified.", GREEN)])  # fmt: skip


def _nothing_lost(settings: Settings, proven: set[str]) -> None:
    """LedgerError if the warehouse or a final export knows a seal that the chain no longer has."""
    known: dict[str, str] = {}
    if settings.warehouse.exists():
        with connect(settings, read_only=True) as connection:
            hashes = connection.execute("select seal_hash from raw.seals").fetchall()
        known |= {row[0]: "the warehouse" for row in hashes}
    for folder in sorted(settings.exports.glob("[0-9]*-[0-9]*")) if settings.exports.is_dir() else []:
        manifest = read_manifest(folder)
        if manifest and (seal_hash := (manifest.get("head") or {}).get("sha256")):
            known[seal_hash] = str(folder / "manifest.json")
    for seal_hash, where in known.items():
        if seal_hash not in proven:
            raise LedgerError(
                f"{where} knows the seal {seal_hash}, which is not in {settings.sealed}: "
                "put sealed/ back from a backup."
            )


def _landing(settings: Settings) -> tuple[int, str]:
    """Rehash every landing file that looks unchanged: size and time can lie, the hash cannot."""
    if not settings.warehouse.exists():
        return 0, "no warehouse yet"
    with connect(settings, read_only=True) as connection:
        files = connection.execute(
            "select path, sha256, size_bytes, mtime_ns from raw.landing_files order by path"
        ).fetchall()
    checked = 0
    for path, sha256, size, mtime_ns in files:
        location = settings.landing / path
        if not location.is_file():
            continue
        stat = location.stat()
        grain = 1 if mtime_ns % 1_000_000 else 1_000_000  # Spark's loader sees milliseconds
        if (stat.st_size, stat.st_mtime_ns // grain * grain) != (size, mtime_ns):
            continue  # changed in the open: the next run reads it
        if file_sha256(location) != sha256:
            raise LedgerError(
                f"landing/{path} has other bytes than were loaded, with the same size and time: "
                f"touch it, so that the next run reads it again, and find out what changed it."
            )
        checked += 1
    other = len(files) - checked
    return checked, "bytes are as loaded" + (f"; {other} changed or gone since, the next run says" if other else "")


def _exports(settings: Settings, periods: list) -> tuple[int, str]:
    checked = 0
    for period in periods:
        folder = export_folder(settings, period)
        manifest = read_manifest(folder)
        if not manifest or manifest.get("status") != FINAL:
            continue
        for name, entry in manifest["files"].items():
            if not (folder / name).is_file() or file_sha256(folder / name) != entry["sha256"]:
                raise LedgerError(
                    f"{folder / name} is not the file that was exported: the next `make run` writes it again."
                )
        checked += 1
    missing = len(periods) - checked
    return checked, "as their manifests say" + (f"; {missing} missing, the next run makes them" if missing else "")
