"""The measures of QCTools, frame by frame: FFmpeg's signalstats (https://ffmpeg.org/ffmpeg-filters.html#signalstats)."""

from array import array
from fractions import Fraction

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from tapemend.filters import pull_all

MEASURES = (
    *(f"{channel}{level}" for channel in ("Y", "U", "V", "SAT") for level in ("MIN", "LOW", "AVG", "HIGH", "MAX")),
    *("HUEMED", "HUEAVG", "YDIF", "UDIF", "VDIF", "TOUT", "VREP", "BRNG"),
)
"""In codes of the file's depth; hue in degrees; TOUT (samples that stand out from the lines around them), VREP (lines
that repeat those above) and BRNG (samples outside of broadcast range) as shares, 0 to 1; YDIF and its like: mean
difference to the frame before, 0 for the first."""


class SignalStats:
    """Takes the frames of one tape in order, as they are stored, and keeps the measures of each."""

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._values = array("f")

    def push(self, frame: av.VideoFrame) -> None:
        """Measures the next frame; it is not changed. All frames have one size and pixel format."""
        if self._graph is None:
            self._graph = _graph(frame)
        self._graph.push(frame)
        for measured in pull_all(self._graph):
            self._values.extend(float(measured.metadata[f"lavfi.signalstats.{name}"]) for name in MEASURES)

    def values(self) -> dict[str, NDArray[np.float32]]:
        """Each measure of the frames so far, (N,)."""
        table = np.frombuffer(self._values, np.float32).reshape(-1, len(MEASURES))
        return {name: table[:, place].copy() for place, name in enumerate(MEASURES)}


def _graph(frame: av.VideoFrame) -> av.filter.Graph:
    """For frames like this one."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1))
    measure = graph.add("signalstats", "stat=tout+vrep+brng")
    graph.link_nodes(source, measure, graph.add("buffersink")).configure()
    return graph
