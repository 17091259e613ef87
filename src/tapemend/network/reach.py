"""How far a network of windows and convolutions sees, followed backwards from its answer, along one dimension.

A span is the first pixel that has a say and the one after the last. ``stride`` is pixels per token.
"""

Span = tuple[int, int]


def before_convolution(span: Span, stride: int) -> Span:
    """A 3x3 convolution sees one token more on either side."""
    return span[0] - stride, span[1] + stride


def before_windows(span: Span, side: int, start: int = 0) -> Span:
    """Whole windows of ``side`` pixels of which one starts at pixel ``start``."""
    first, last = span[0] - start, span[1] - start
    return first // side * side + start, -(-last // side) * side + start


def before_blocks(span: Span, stride: int, window: int, depth: int) -> Span:
    """Attention blocks in a row, the odd ones half a window of ``window`` tokens further."""
    for index in reversed(range(depth)):
        span = _before_block(span, stride, window, index)
    return span


def before_fusion(span: Span, stride: int, window: int, depth: int) -> Span:
    """What such blocks see of other pictures than those they change: windows, but not windows of windows."""
    return union(span, *(_before_block(span, stride, window, index) for index in range(depth)))


def union(*spans: Span) -> Span:
    """From the first of all to the last of all."""
    return min(span[0] for span in spans), max(span[1] for span in spans)


def _before_block(span: Span, stride: int, window: int, index: int) -> Span:
    return before_windows(span, window * stride, index % 2 * (window // 2) * stride)
