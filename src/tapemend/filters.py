"""FFmpeg's filters, driven by hand."""

import av
import av.filter


def pull_all(graph: av.filter.Graph) -> list[av.VideoFrame]:
    """Return every frame that the graph has ready; none when it waits for more, or has ended."""
    frames = []
    while True:
        try:
            frames.append(graph.vpull())
        except (BlockingIOError, EOFError):
            return frames
