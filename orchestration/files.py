"""Landing files as bytes: which there are, what they hash to, and their lines and text for an exact second reading.

What belongs here: walking the landing folder, compression, hashing, cutting into lines.
What does not: what the bytes mean (records.py), the tables (batch_reading.py, batch.py).
"""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard

FORMATS = {
    "messaging_interactions": ("json", "jsonl"),
    "function_invocations": ("jsonl", "json"),
    "platform_users": ("json", "jsonl"),
    "support_cases": ("jsonl", "json"),
    "reference": ("csv",),
}
COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
CHUNK = 1 << 20
ZSTD_PIECE = 4096  # a block of zstd grows at most 32768 times: one piece yields at most 128 MiB
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UTF8_MARK = b"\xef\xbb\xbf"


class UnreadableError(Exception):
    """The bytes of a file cannot be had; `reason` is the word for the list of rejected records."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class FoundFile:
    """A file of a feed as it is in the landing folder now."""

    path: str
    location: Path
    feed: str
    format: str
    size: int
    mtime_ns: int
    inode: int
    problem: str | None = None

    @property
    def shape(self) -> str:
        """json, jsonl or csv."""
        return self.format.partition(".")[0]

    @property
    def compression(self) -> str:
        """gz, zst or nothing."""
        return self.format.partition(".")[2]

    @property
    def mark(self) -> tuple[int, int, int]:
        """What changes when the file is written to."""
        return self.size, self.mtime_ns, self.inode

    def has_changed(self) -> bool:
        """Whether the file is no longer the one that was found."""
        try:
            now = os.stat(self.location)
        except OSError:
            return True
        return (now.st_size, now.st_mtime_ns, now.st_ino) != self.mark


@dataclass(frozen=True)
class Scan:
    """One pass over a file's bytes. Sizes and lines are those of the decompressed bytes."""

    sha256: str
    size: int
    lines: int
    longest_line: int  # never less than the longest line, at most a chunk more
    head: bytes
    problem: str | None = None


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is left out: hidden, or not written to its end."""
    return name.startswith(".") or name.endswith((".tmp", "~"))


def format_of(name: str, feed: str) -> str | None:
    """What a file's name says it is, such as `jsonl.gz`; None for what the feed's folder does not take."""
    stem, suffix = os.path.splitext(name.lower())
    compression = COMPRESSIONS.get(suffix, "")
    shape = (os.path.splitext(stem)[1] if compression else suffix).removeprefix(".")
    if shape not in FORMATS[feed]:
        return None
    return f"{shape}.{compression}" if compression else shape


def printable(path: str) -> str:
    """A path for a log line: control characters are escaped."""
    return path if path.isprintable() else ascii(path)


def find_files(landing: Path, feed: str, log: Callable[[str], None]) -> list[FoundFile]:
    """Every file of a feed's folder and its sub-folders, by path. Hidden and half-written names are left out.

    A link that leads out of the landing folder is listed with the problem `outside_landing` and never opened.
    """
    root = Path(os.path.realpath(landing))
    found: dict[str, FoundFile] = {}
    folders = [landing / feed]
    while folders:
        folder = folders.pop()
        if folder.is_symlink() and not _is_inside(folder, root):
            entry = _describe(folder, landing, feed, root)
            found[entry.path] = entry
            continue
        try:
            entries = sorted(os.scandir(folder), key=lambda item: item.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            log(f"{feed}: a folder cannot be read ({error.strerror}): its files are left out")
            continue
        for item in entries:
            if is_hidden(item.name):
                continue
            if item.is_dir(follow_symlinks=False):
                folders.append(Path(item.path))
                continue
            if item.is_symlink() and _is_folder(item) and _is_inside(Path(item.path), root):
                log(f"{printable(_relative(Path(item.path), landing))}: a link to a folder of landing, read there only")
                continue
            entry = _describe(Path(item.path), landing, feed, root)
            if entry.path in found:
                log(f"{printable(entry.path)}: two file names that look the same, the second is left out: rename it")
                continue
            found[entry.path] = entry
    return [found[path] for path in sorted(found)]


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link that leads to itself
        return False


def chunks(file: FoundFile) -> Iterator[bytes]:
    """The decompressed bytes in pieces; UnreadableError if they cannot be had to the end."""
    return decompressed(_raw_chunks(file), file.compression)


def pieces(data: bytes) -> Iterator[bytes]:
    """Bytes in hand, cut as they would come from a file."""
    return (data[start : start + CHUNK] for start in range(0, len(data), CHUNK))


def scan(file: FoundFile) -> Scan:
    """Hash a file and, in the same pass, size it up: decompressed size, lines, longest line, first bytes."""
    return scan_bytes(_raw_chunks(file), file.shape, file.compression)


def scan_bytes(source: Iterator[bytes], shape: str, compression: str) -> Scan:
    """The scan of a file's bytes, wherever they come from."""
    digest = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for raw in source:
            digest.update(raw)
            yield raw

    size = lines = longest = run = 0
    sparse = False
    head = last = b""
    problem = None
    try:
        for chunk in decompressed(hashed(), compression):
            if len(head) < 4:
                head += chunk[:4]
            size += len(chunk)
            last = chunk[-1:]
            if shape == "jsonl":
                first = chunk.find(b"\n")
                if first < 0:
                    run += len(chunk)
                else:
                    longest = max(longest, run + first, len(chunk))
                    run = len(chunk) - 1 - chunk.rfind(b"\n")
                    found = _newlines(chunk, sparse)
                    lines, sparse = lines + found, found < CHUNK // 1000
    except UnreadableError as error:
        problem = error.reason
        if problem != "unreadable_file":
            for raw in source:  # the identity of a damaged file is that of all its bytes
                digest.update(raw)
    if last and last != b"\n":
        lines += 1
    return Scan(digest.hexdigest(), size, lines, max(longest, run), head[:4], problem)


def read_lines(file: FoundFile, limit: int) -> Iterator[tuple[int, bytes | None, str | None]]:
    """(line from 1, its bytes without the line end, None); of a line over `limit` bytes (line, None, its SHA-256)."""
    return cut_lines(chunks(file), limit)


def cut_lines(source: Iterable[bytes], limit: int) -> Iterator[tuple[int, bytes | None, str | None]]:
    """The lines of decompressed bytes, as `read_lines` gives those of a file."""
    number = 1
    pending: list[bytes] = []
    length = 0
    overflow = None
    for chunk in source:
        parts = chunk.split(b"\n")
        for place, part in enumerate(parts):
            if place:
                yield _line(number, pending, overflow)
                number, pending, length, overflow = number + 1, [], 0, None
            if overflow is not None:
                overflow.update(part)
                continue
            pending.append(part)
            length += len(part)
            if length > limit:
                overflow = hashlib.sha256(b"".join(pending))
                pending = []
    if length:
        yield _line(number, pending, overflow)


def read_all(file: FoundFile, limit: int) -> bytes:
    """The decompressed bytes; UnreadableError `object_too_large` above the limit."""
    return join_all(chunks(file), limit)


def join_all(source: Iterable[bytes], limit: int) -> bytes:
    """Decompressed bytes as one; UnreadableError `object_too_large` above the limit."""
    parts, size = [], 0
    for chunk in source:
        size += len(chunk)
        if size > limit:
            raise UnreadableError("object_too_large")
        parts.append(chunk)
    return b"".join(parts)


def _newlines(chunk: bytes, sparse: bool) -> int:
    """The newlines in a chunk; where lines are long, leaping from one to the next is quicker than counting bytes."""
    if not sparse:
        return chunk.count(b"\n")
    found, place = 0, chunk.find(b"\n")
    while place >= 0:
        found, place = found + 1, chunk.find(b"\n", place + 1)
    return found


def _line(number: int, pending: list[bytes], overflow: hashlib._Hash | None) -> tuple[int, bytes | None, str | None]:
    if overflow is not None:
        return number, None, overflow.hexdigest()
    line = b"".join(pending)
    return number, line[:-1] if line.endswith(b"\r") else line, None


def _relative(location: Path, landing: Path) -> str:
    relative = os.path.relpath(os.fsencode(location), os.fsencode(landing)).replace(os.fsencode(os.sep), b"/")
    return relative.decode("utf-8", "backslashreplace")


def _is_inside(location: Path, root: Path) -> bool:
    return Path(os.path.realpath(location)).is_relative_to(root)


def _describe(location: Path, landing: Path, feed: str, root: Path) -> FoundFile:
    path = _relative(location, landing)
    problem = None
    try:
        status = os.lstat(location)
        if stat.S_ISLNK(status.st_mode):
            if _is_inside(location, root):
                status = os.stat(location)
            else:
                problem = "outside_landing"
        if problem is None and not stat.S_ISREG(status.st_mode):
            problem = "not_a_regular_file"
        size, mtime_ns, inode = status.st_size, status.st_mtime_ns, status.st_ino
    except OSError:
        size = mtime_ns = inode = 0
        problem = "unreadable_file"
    file_format = format_of(location.name, feed)
    if file_format is None:
        problem = problem or "unknown_file_type"
    file_format = problem or file_format or ""
    return FoundFile(path, location, feed, file_format, size, mtime_ns, inode, problem)


def _raw_chunks(file: FoundFile) -> Iterator[bytes]:
    try:
        with open(file.location, "rb", buffering=0) as handle:
            while chunk := handle.read(CHUNK):
                yield chunk
    except OSError as error:
        raise UnreadableError("unreadable_file") from error


def decompressed(raw: Iterable[bytes], compression: str) -> Iterator[bytes]:
    """Bytes with their compression (gz, zst or nothing) taken off; UnreadableError where they are damaged."""
    if compression == "gz":
        return _gunzip(raw)
    if compression == "zst":
        return _unzstd(raw)
    return iter(raw)


def _gunzip(raw: Iterable[bytes]) -> Iterator[bytes]:
    member, ended = zlib.decompressobj(31), False
    try:
        for piece in raw:
            while piece:
                if ended:
                    member, ended = zlib.decompressobj(31), False
                out = member.decompress(piece, CHUNK)
                piece = member.unconsumed_tail
                while len(out) == CHUNK and not piece and not member.eof:
                    yield out
                    out = member.decompress(b"", CHUNK)
                if out:
                    yield out
                if member.eof:
                    piece, ended = member.unused_data, True
    except zlib.error as error:
        raise UnreadableError("cannot_be_decompressed") from error
    if not ended:
        raise UnreadableError("cannot_be_decompressed")


def _unzstd(raw: Iterable[bytes]) -> Iterator[bytes]:
    frames = zstandard.ZstdDecompressor()
    frame, ended = frames.decompressobj(), False
    try:
        for block in raw:
            for start in range(0, len(block), ZSTD_PIECE):
                piece = block[start : start + ZSTD_PIECE]
                while piece:
                    if ended:
                        frame, ended = frames.decompressobj(), False
                    out = frame.decompress(piece)
                    piece = b""
                    if out:
                        yield out
                    if frame.eof:
                        piece, ended = frame.unused_data, True
    except zstandard.ZstdError as error:
        raise UnreadableError("cannot_be_decompressed") from error
    if not ended:
        raise UnreadableError("cannot_be_decompressed")
