"""`io.BytesIO` as a program sees it: bytes in memory, without the ways by which the real one hands out raw memory."""

from __future__ import annotations

from typing import Any


class BytesIO:
    """Bytes that can be written and read like a file."""

    def __init__(self, initial_bytes: bytes = b"") -> None:
        if not isinstance(initial_bytes, bytes | bytearray):
            raise TypeError(f"a bytes-like object is required, not '{type(initial_bytes).__name__}'")
        self._data = bytes(initial_bytes)
        self._at = 0
        self._is_closed = False

    def write(self, data: bytes) -> int:
        """Put bytes where it stands; returns how many."""
        self._need_open()
        if not isinstance(data, bytes | bytearray):
            raise TypeError(f"a bytes-like object is required, not '{type(data).__name__}'")
        before = self._data[: self._at].ljust(self._at, b"\0")
        self._data = before + bytes(data) + self._data[self._at + len(data) :]
        self._at += len(data)
        return len(data)

    def read(self, size: int | None = -1) -> bytes:
        """The next `size` bytes, all that are left for None or -1."""
        self._need_open()
        end = len(self._data) if size is None or size < 0 else self._at + size
        found = self._data[self._at : end]
        self._at += len(found)
        return found

    def getvalue(self) -> bytes:
        """All bytes, wherever it stands."""
        self._need_open()
        return self._data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place: from the start (0), from here (1) or from the end (2)."""
        self._need_open()
        if whence not in (0, 1, 2):
            raise ValueError(f"invalid whence ({whence}, should be 0, 1 or 2)")
        at = offset + (0, self._at, len(self._data))[whence]
        if whence == 0 and offset < 0:
            raise ValueError(f"negative seek value {offset}")
        self._at = max(at, 0)
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        self._need_open()
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Cut off what comes after `size`, or after where it stands."""
        self._need_open()
        end = self._at if size is None else size
        self._data = self._data[:end]
        return end

    def flush(self) -> None:
        """Nothing to do."""
        self._need_open()

    def close(self) -> None:
        """Let go of the bytes."""
        self._is_closed = True
        self._data = b""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._is_closed

    def _need_open(self) -> None:
        if self._is_closed:
            raise ValueError("I/O operation on closed file.")

    def __enter__(self) -> BytesIO:
        self._need_open()
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
