"""The access copy: H.264 in MP4, to look at."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from tapemend.encode.packets import AnyPacket
from tapemend.encode.picture import picture_planes, stored_format
from tapemend.encode.segment import decoded_pictures, describe_pictures
from tapemend.frames import ColourTags, Components, PictureForm, Segment

CONSTANT_RATE_FACTOR = 17
"""x264's quality; visually without loss at standard definition."""

MATRIX_OF_RGB = 6
"""ITU-T H.273 matrix of RGB pictures in the access copy: BT.601."""


def add_access_stream(container: OutputContainer, form: PictureForm) -> VideoStream:
    """Add an H.264 stream, 4:2:0 in 8 bit, for pictures of ``form`` as ``AccessPictures`` makes them."""
    width, height = access_size(form)
    options = {"crf": str(CONSTANT_RATE_FACTOR), "preset": "medium"}
    if form.scan.interlaced:
        options["x264-params"] = f"{form.scan}=1"
    stream = container.add_stream("libx264", rate=form.frame_rate, options=options)
    describe_pictures(stream, form)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    colour = access_colour(form)
    stream.codec_context.colorspace, stream.codec_context.color_range = colour.matrix, colour.range
    if form.scan.interlaced:
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me
    return stream


def access_size(form: PictureForm) -> tuple[int, int]:
    """Return width and height of the access copy: 4:2:0 needs even numbers, and rows in fours when interlaced."""
    rows = 4 if form.scan.interlaced else 2
    return -(-form.width // 2) * 2, -(-form.height // rows) * rows


def access_colour(form: PictureForm) -> ColourTags:
    """Return the colour tags of the access copy: the tape's own, but for RGB, which becomes BT.601 limited range."""
    if form.layout.components is Components.GBR:
        return ColourTags(primaries=form.colour.primaries, transfer=form.colour.transfer, matrix=MATRIX_OF_RGB, range=1)
    return form.colour


def access_packets(segments: Sequence[Segment], form: PictureForm, stream: VideoStream) -> Iterator[AnyPacket]:
    """Yield H.264 packets of every frame of the segments; fields are scaled apart where the form is interlaced."""
    graph = _graph(form)
    for segment in segments:
        for seconds, picture in decoded_pictures(segment.path):
            picture.pts, picture.time_base = round(seconds / form.time_base), form.time_base
            graph.vpush(_padded(picture, *access_size(form)))
            yield from stream.encode(_plain(graph.vpull()))
    yield from stream.encode(None)


def _padded(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Return the picture at ``width`` x ``height``, its last column and row repeated as often as needed."""
    if (picture.width, picture.height) == (width, height):
        return picture
    padded = av.VideoFrame(width, height, picture.format.name)
    padded.pts, padded.time_base = picture.pts, picture.time_base
    pairs = zip(picture_planes(picture), picture_planes(padded), picture.planes, strict=True)
    for samples, target, plane in pairs:
        rows, columns = samples.shape
        pixel = samples[:, -(columns // plane.width) :]
        target[:rows, :columns] = samples
        target[:rows, columns:] = np.tile(pixel, (target.shape[1] - columns) // pixel.shape[1])
        target[rows:] = target[rows - 1]
    return padded


def _plain(picture: av.VideoFrame) -> av.VideoFrame:
    """Return the picture without the decoder's picture type, so that x264 chooses its own."""
    picture.pict_type = 0
    return picture


def _graph(form: PictureForm) -> av.filter.Graph:
    """Return the filters that turn stored pictures, padded, into those of the access copy."""
    width, height = access_size(form)
    graph = av.filter.Graph()
    source_format = av.VideoFormat(stored_format(form.layout), width, height)
    nodes = [
        graph.add_buffer(width=width, height=height, format=source_format, time_base=form.time_base),
        graph.add("setfield", f"mode={form.scan if form.scan.interlaced else 'prog'}"),
        graph.add("scale", f"interl={int(form.scan.interlaced)}:flags=bicubic+accurate_rnd:{_range_options(form)}"),
        graph.add("format", "pix_fmts=yuv420p"),
    ]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


def _range_options(form: PictureForm) -> str:
    if form.layout.components is Components.GBR:
        return "out_color_matrix=smpte170m:out_range=limited"
    kept = "full" if form.layout.full_range else "limited"
    return f"in_range={kept}:out_range={kept}"


def frame_ticks(form: PictureForm) -> int:
    """Return the nominal length of a frame in ticks of the form's time base, at least 1."""
    return max(1, round(Fraction(1) / form.frame_rate / form.time_base))
