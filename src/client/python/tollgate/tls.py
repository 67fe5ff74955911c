"""TLS to a sidecar that is not on this machine."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass
from typing import Any

import grpc

SCHEME = "tls://"

# How often it is looked whether files have changed, in seconds: certificates live for hours, and are
# renewed long before they end.
_LOOK_EVERY = 2.0


@dataclass(frozen=True)
class TlsFiles:
    """Files of PEM; "" is none."""

    ca: str = ""
    cert: str = ""
    key: str = ""

    def check(self) -> None:
        """Raises ValueError for half a pair, and for what cannot be read."""
        if bool(self.cert) != bool(self.key):
            raise ValueError("cert_file and key_file belong together: give both")
        for file in filter(None, (self.ca, self.cert, self.key)):
            if not os.access(file, os.R_OK):
                raise ValueError(unreadable(file))


NO_FILES = TlsFiles()


def tls_files(ca: str | None, cert: str | None, key: str | None) -> TlsFiles:
    """The files that are given, else those of the environment."""
    env = os.environ.get
    return TlsFiles(
        ca=ca or env("TOLLGATE_CLIENT_CA_FILE") or "",
        cert=cert or env("TOLLGATE_CLIENT_CERT_FILE") or "",
        key=key or env("TOLLGATE_CLIENT_KEY_FILE") or "",
    )


class Doors:
    """What channels to one address are opened with: anew when the files have changed."""

    def __init__(self, address: str, files: TlsFiles) -> None:
        self.secure = address.startswith(SCHEME)
        self.target = address[len(SCHEME) :] if self.secure else address
        self._files = files
        self._lock = threading.Lock()
        self._looked_at = 0.0
        self._seen: tuple[object, ...] | None = None
        self._credentials: Any = None

    def credentials(self) -> Any:
        """The same object as before until a file has changed; None without TLS.

        Raises OSError if they cannot be read, and never could.
        """
        if not self.secure:
            return None
        with self._lock:
            now = time.monotonic()
            if self._credentials is None or now - self._looked_at >= _LOOK_EVERY:
                self._looked_at = now
                self._look()
            return self._credentials

    def forget(self) -> None:
        """In a process that was forked off, whose parent may have held the lock."""
        self._lock = threading.Lock()

    def _look(self) -> None:
        files = (self._files.ca, self._files.cert, self._files.key)
        try:
            seen = tuple(_state(file) for file in files)
            if seen == self._seen:
                return
            ca, cert, key = (_read(file) for file in files)
        except OSError:
            # Half-way through a renewal; the next look finds the rest.
            if self._credentials is None:
                raise
            return
        self._seen = seen
        self._credentials = grpc.ssl_channel_credentials(ca, key, cert)


# A path as one is written on purpose; a relative one says so.
_PATH = re.compile(r"\.{0,2}/[^\n]+")


def unreadable(file: str) -> str:
    """What is no path may be the secret itself, put where its file is wanted: it is not repeated."""
    if _PATH.fullmatch(file):
        return f"{file} cannot be read"
    return (
        "a file of TLS cannot be read; it must be a path, such as /run/secrets/name, and what is"
        " given is not repeated here"
    )


def _state(file: str) -> object:
    if not file:
        return None
    status = os.stat(file)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read(file: str) -> bytes | None:
    if not file:
        return None
    with open(file, "rb") as opened:
        return opened.read()
