"""Finds the place of the program from which the engine was called: the innermost frame of the program's code."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from graphlab.record.spans import Site, SourceMap

if TYPE_CHECKING:
    from graphlab.trace.store import TraceWriter

NOWHERE = Site(-1)
_frame = sys._getframe


class Places:
    """Sites by code and instruction; each is resolved and written once."""

    def __init__(self, writer: TraceWriter, filename: str, source: str | None) -> None:
        self._writer = writer
        self._filename = filename
        self._source = source
        self._map: SourceMap | None = None
        self._sites: dict[tuple[int, int], Site] = {}
        self._parts: dict[tuple[int, int, int], Site] = {}  # by place, which of its values, and of how many
        self.globals: dict[str, Any] | None = None  # of the program, once seen: quicker to compare than file names

    def here(self) -> Site:
        """The innermost place of the program that is being run."""
        frame: FrameType | None = _frame(2)
        known = self.globals
        while frame is not None and frame.f_globals is not known:
            frame = frame.f_back
        if frame is None:
            frame = self._search(_frame(2))
            if frame is None:
                return NOWHERE
        code = frame.f_code
        lasti = frame.f_lasti
        site = self._sites.get((id(code), lasti))
        return site if site is not None else self.new(code, lasti)

    def _search(self, frame: FrameType | None) -> FrameType | None:
        while frame is not None and frame.f_code.co_filename != self._filename:
            frame = frame.f_back
        if frame is not None and self.globals is None:
            self.globals = frame.f_globals
        return frame

    def at(self, code: CodeType, lasti: int) -> Site:
        """The place of an instruction."""
        return self._sites.get((id(code), lasti)) or self.new(code, lasti)

    def new(self, code: CodeType, lasti: int) -> Site:
        """Resolve a place that is seen for the first time."""
        site = self.source_map().site(len(self._sites), code, lasti)
        self._sites[id(code), lasti] = site  # the map keeps `code` alive, so its id stays its own
        self._writer.add("span", site.record())
        return site

    def naming(self, site: Site) -> Site:
        """The place that names a value made at `site`: where a function returns it, that of its caller."""
        known = self.globals
        frame: FrameType | None = _frame(2)
        while frame is not None and frame.f_globals is not known:
            frame = frame.f_back
        part = None
        while site.returns and frame is not None:
            if part is not None and site.part is not None:
                return NOWHERE  # a part of a part
            part = site.part or part
            frame = frame.f_back
            while frame is not None and frame.f_globals is not known:
                frame = frame.f_back
            if frame is not None:
                site = self.at(frame.f_code, frame.f_lasti)
        return site if part is None else self._part(site, *part)

    def _part(self, site: Site, at: int, n: int) -> Site:
        """The place as that of one value alone, of the `n` that come together there."""
        key = (site.id, at, n)
        known = self._parts.get(key)
        if known is None:
            name = site.names_of(n)[at]
            known = self._parts[key] = replace(site, names=[name], name=name)
        return known

    def called_from(self, frame: FrameType | None) -> Site | None:
        """The place of `frame`, if it is one of the program's."""
        if frame is None or frame.f_globals is not self.globals:
            return None
        return self.at(frame.f_code, frame.f_lasti)

    def source_map(self) -> SourceMap:
        """The program's text, parsed when first needed."""
        if self._map is None:
            self._map = SourceMap(self._source if self._source is not None else self._writer.source)
        return self._map
