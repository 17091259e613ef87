"""Interlaced frames to fields: FFmpeg's bwdif, which keeps a field's own lines bit for bit and fills in the others."""

from fractions import Fraction

import av
import av.filter
import numpy as np

from tapemend.filters import pull_all
from tapemend.frames import Plane, ScanType
from tapemend.pictures import frame_of, planes_of

PLANE_BY_PLANE = {
    "gray9le": "yuv420p9le",
    "gray10le": "yuv420p10le",
    "gray12le": "yuv420p12le",
    "gray14le": "yuv420p14le",
    "yuv440p10le": "yuv420p10le",
    "yuv440p12le": "yuv420p12le",
}
"""Formats that bwdif would have converted, and the format of the same depth whose luma each plane passes through as."""

UNSPECIFIED = 2
"""H.273's code point for a matrix that is not stated."""


class Bobber:
    """Two frames from each interlaced frame, in order, one frame late: a field's fill needs the next frame too."""

    def __init__(self, pixel_format: str, scan: ScanType) -> None:
        self._pixel_format = pixel_format
        self._parity = "bff" if scan is ScanType.BOTTOM_FIRST else "tff"
        self._graphs: list[av.filter.Graph] = []
        self._pushed = 0

    def push(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Take the next planar frame; return both fields of the frame before it as frames, nothing for the first."""
        parts = self._parts(frame)
        if not self._graphs:
            self._graphs = [self._graph(part) for part in parts]
        for graph, part in zip(self._graphs, parts, strict=True):
            part.pts, part.time_base = self._pushed, Fraction(1)
            part.color_range, part.colorspace = 0, UNSPECIFIED
            graph.push(part)
        self._pushed += 1
        return self._pulled()

    def finish(self) -> list[av.VideoFrame]:
        """Return both fields of the last frame as frames; nothing if none was pushed."""
        for graph in self._graphs:
            graph.push(None)
        return self._pulled()

    def _parts(self, frame: av.VideoFrame) -> list[av.VideoFrame]:
        """Return the frame itself, or one frame per plane where bwdif does not take its format."""
        stand_in = PLANE_BY_PLANE.get(self._pixel_format)
        if stand_in is None:
            return [frame]
        parts = []
        for plane in planes_of(frame):
            chroma: Plane = np.zeros([-(-size // 2) for size in plane.shape], plane.dtype)
            parts.append(frame_of((plane, chroma, chroma), stand_in))
        return parts

    def _graph(self, part: av.VideoFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        source = graph.add_buffer(width=part.width, height=part.height, format=part.format, time_base=Fraction(1))
        bwdif = graph.add("bwdif", f"mode=send_field:parity={self._parity}:deint=all")
        graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
        return graph

    def _pulled(self) -> list[av.VideoFrame]:
        outputs = [pull_all(graph) for graph in self._graphs]
        if self._pixel_format not in PLANE_BY_PLANE:
            return outputs[0] if outputs else []
        return [
            frame_of(tuple(planes_of(part)[0] for part in parts), self._pixel_format)
            for parts in zip(*outputs, strict=True)
        ]
