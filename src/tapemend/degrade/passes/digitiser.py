"""What the capture of a tape does to it: samples, coding, wrong ideas of range, matrix and fields.

Coders see one picture at a time, by an encoder of its own, so that what comes before leaves no trace.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

import av
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv1d, interpolate, pad

from tapemend.colour import CHROMA_CODES, CHROMA_ZERO, LUMA_BLACK, LUMA_CODES, RGB_TO_YCBCR, SCALE, YCBCR_TO_RGB, ZERO
from tapemend.degrade.grid import DIGITAL_LINE, Grid, Standard
from tapemend.degrade.passes import Kind, Moments, PicturePass
from tapemend.pictures import frame_of, planes_of

RGB_TO_YCBCR_709 = torch.tensor(
    [[0.2126, 0.7152, 0.0722], [-0.114572, -0.385428, 0.5], [0.5, -0.454153, -0.045847]], dtype=torch.float32
)
"""BT.709-6, item 3.2 and 3.3."""
BLOCK = 16
"""Rows and columns of a macroblock (H.262, H.264): pictures are filled up to whole ones."""


class Sampling(StrEnum):
    """How many colour samples there are: the usual names."""

    YUV_422 = "4:2:2"
    YUV_420 = "4:2:0"
    YUV_411 = "4:1:1"

    @property
    def columns(self) -> int:
        """Luma columns to a colour sample."""
        return 4 if self is Sampling.YUV_411 else 2

    @property
    def rows(self) -> int:
        """Luma rows to a colour sample."""
        return 2 if self is Sampling.YUV_420 else 1

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name, 8 bits."""
        return f"yuv{self.replace(':', '')}p"


@dataclass(frozen=True, slots=True, kw_only=True)
class BitDepth(PicturePass):
    """Too few bits: slow ramps become steps, skies and dark walls show contours.

    Levels are rounded to the codes of the limited range and cut where the codes end.
    AV Artifact Atlas: level clamping (of what lies beyond the codes).
    """

    kind: ClassVar[Kind] = Kind.NOISE
    bits: int = 8
    """Bits a sample; 8 in most capture devices, 5 and 6 in the first capture cards."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        scale = SCALE.to(picture.device) * 2.0 ** (self.bits - 8)
        zero = ZERO.to(picture.device) * 2.0 ** (self.bits - 8)

        def rounded(one: Tensor) -> Tensor:
            codes = (one * scale).add_(zero).round_().clamp_(0, 2**self.bits - 1)
            return codes.sub_(zero).div_(scale)

        return _each(picture, moments, rounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaSubsampling(PicturePass):
    """Colour of fewer samples than brightness: coloured edges are soft and stepped, small coloured things go grey.

    Colour samples lie on a luma sample along the line (BT.601-7, table 3), and for 4:2:0 halfway between two lines
    (H.262, 6.1.1.8). AV Artifact Atlas: sub-sampling.
    """

    kind: ClassVar[Kind] = Kind.CHROMA
    sampling: Sampling = Sampling.YUV_420
    """4:2:2 (archives), 4:2:0 (MPEG, PAL DV) or 4:1:1 (NTSC DV)."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        def subsampled(one: Tensor) -> Tensor:
            return torch.cat([one[:1], _widened(_narrowed(one[1:], self.sampling), self.sampling, one.shape[-2:])])

        return _each(picture, moments, subsampled)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coding(PicturePass):
    """A coder, there and back, on the CPU."""

    kind: ClassVar[Kind] = Kind.NOISE

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        return _each(picture, moments, lambda one: self._coded(one.cpu(), grid).to(one.device))

    @abstractmethod
    def _coded(self, picture: Tensor, grid: Grid) -> Tensor:
        """(3, H, W) as it comes out of the coder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DvCoding(_Coding):
    """Captured by a DV camera or converter: each picture in 25 Mbit/s, the busy parts speckled around their edges.

    IEC 61834-2: 8 by 8 blocks, so many bits to five macroblocks whatever is in them; 4:2:0 for PAL, 4:1:1 for NTSC.
    A picture of the size of a field is coded with each line twice, as the two fields of a still frame are. Of other
    sizes the coder's errors are scaled, and not the picture. AV Artifact Atlas: mosquito noise, sub-sampling.
    """

    def _coded(self, picture: Tensor, grid: Grid) -> Tensor:
        pal = grid.standard is Standard.PAL
        rows, columns = 2 * grid.standard.field_lines, DIGITAL_LINE
        sampling = Sampling.YUV_420 if pal else Sampling.YUV_411
        rate = Fraction(25) if pal else Fraction(30000, 1001)
        if picture.shape[-2:] == (rows, columns):
            return _through(picture, "dvvideo", "dvvideo", sampling, {}, rate)
        raster = interpolate(picture[None], (rows, columns), mode="nearest-exact")[0]
        error = _through(raster, "dvvideo", "dvvideo", sampling, {}, rate) - raster
        return picture + interpolate(error[None], picture.shape[-2:], mode="area")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mpeg2Coding(_Coding):
    """Captured to a DVD recorder or by a television card: blocks show where the picture is smooth, specks at its edges.

    Every picture an I-picture of 4:2:0 (H.262). AV Artifact Atlas: block noise, mosquito noise.
    """

    quantiser: int = 8
    """Quantiser scale, 1 to 31: 3 is a good DVD, 8 a recorder's long play, 16 a video CD."""

    def _coded(self, picture: Tensor, grid: Grid) -> Tensor:
        options = {"g": "1", "qmin": str(self.quantiser), "qmax": str(self.quantiser)}
        return _filled(picture, lambda whole: _through(whole, "mpeg2video", "mpeg2video", Sampling.YUV_420, options))


@dataclass(frozen=True, slots=True, kw_only=True)
class H264Coding(_Coding):
    """Captured by a dongle, or kept as a file for the net: grain and fabric are gone, flat parts are patches.

    Every picture a key frame of 4:2:0 (H.264, x264). AV Artifact Atlas: block noise, mosquito noise.
    """

    crf: float = 28.0
    """x264's constant rate factor, 0 to 51: 18 looks like the source, 28 like a small file, 38 like a preview."""

    def _coded(self, picture: Tensor, grid: Grid) -> Tensor:
        options = {"g": "1", "crf": str(self.crf), "preset": "veryfast", "tune": "zerolatency"}
        return _filled(picture, lambda whole: _through(whole, "libx264", "h264", Sampling.YUV_420, options))


class RangeMistake(StrEnum):
    """Which range was taken for which."""

    FULL_AS_LIMITED = "full as limited"
    LIMITED_AS_FULL = "limited as full"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongRange(PicturePass):
    """Codes 0 to 255 read as 16 to 235, or the other way: blacks crushed and whites burnt out, or all of it milky.

    AV Artifact Atlas: crushed setup, high video level, level clamping.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    mistake: RangeMistake = RangeMistake.FULL_AS_LIMITED
    """full as limited: too much contrast, and what falls below black and above white is cut; limited as full: too
    little, black at 6 IRE and white at 92."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        def misread(one: Tensor) -> Tensor:
            if self.mistake is RangeMistake.LIMITED_AS_FULL:
                return torch.cat([(one[:1] * LUMA_CODES + LUMA_BLACK) / 255, one[1:] * (CHROMA_CODES / 255)])
            luma = ((one[:1] * 255 - LUMA_BLACK) / LUMA_CODES).clamp(0, 1)
            return torch.cat([luma, (one[1:] * (255 / CHROMA_CODES)).clamp(-0.5, 0.5)])

        return _each(picture, moments, misread)


class MatrixMistake(StrEnum):
    """Which matrix was taken for which."""

    HD_AS_SD = "709 as 601"
    SD_AS_HD = "601 as 709"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongMatrix(PicturePass):
    """Coded by one matrix and decoded by the other: skin turns orange or pink, greens turn dull or poisonous.

    The matrices are those of BT.601-7 and BT.709-6; grey stays grey.
    """

    kind: ClassVar[Kind] = Kind.LEVELS
    mistake: MatrixMistake = MatrixMistake.HD_AS_SD
    """709 as 601: captured by a device for high definition; 601 as 709: shown by one."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        matrix = RGB_TO_YCBCR_709 @ YCBCR_TO_RGB
        if self.mistake is MatrixMistake.SD_AS_HD:
            matrix = RGB_TO_YCBCR @ torch.linalg.inv(RGB_TO_YCBCR_709)
        matrix = matrix.to(picture.device)
        return _each(picture, moments, lambda one: (matrix @ one.flatten(1)).view_as(one))


class Deinterlacer(StrEnum):
    """How a cheap device makes whole pictures of fields."""

    BLEND = "blend"
    DOUBLE = "double"


@dataclass(frozen=True, slots=True, kw_only=True)
class DongleDeinterlacing(PicturePass):
    """Made progressive by the capture dongle: movement drags a pale double image, or edges become stairs.

    The even lines are of this picture, the odd ones of the picture before it, as in a frame of two fields. Blend
    mixes each line with its two neighbours, 1 : 2 : 1; double drops the odd lines and repeats the even ones.
    """

    kind: ClassVar[Kind] = Kind.LINES
    memory: ClassVar[int] = 1
    method: Deinterlacer = Deinterlacer.BLEND
    """blend or double."""

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            if self.method is Deinterlacer.DOUBLE:
                whole = picture[position, :, ::2].repeat_interleave(2, 1)[:, : grid.height]
            else:
                woven = _woven(picture, position, moments)
                edged = torch.cat([woven[:, :1], woven, woven[:, -1:]], 1)
                whole = 0.5 * woven + 0.25 * (edged[:, :-2] + edged[:, 2:])
            damaged[position] = torch.lerp(picture[position], whole, moments.intensities[position])
        return damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class SwappedFields(PicturePass):
    """The two fields in each other's lines: every slanted edge is a saw and thin horizontal lines are doubled.

    Lines change places in pairs, as when a capture begins with the wrong field and is woven all the same.
    """

    kind: ClassVar[Kind] = Kind.LINES

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        rows = torch.arange(grid.height)
        other = (rows ^ 1).where(rows ^ 1 < grid.height, rows).to(picture.device)
        return _each(picture, moments, lambda one: one[:, other])


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsOutOfStep(PicturePass):
    """Wrong field order or dominance: one field is of the picture before, and what moves has combs for edges."""

    kind: ClassVar[Kind] = Kind.LINES
    memory: ClassVar[int] = 1

    def apply(self, picture: Tensor, grid: Grid, moments: Moments) -> Tensor:
        damaged = picture.clone()
        for position in moments.active():
            woven = _woven(picture, position, moments)
            damaged[position] = torch.lerp(picture[position], woven, moments.intensities[position])
        return damaged


def _each(picture: Tensor, moments: Moments, change: Callable[[Tensor], Tensor]) -> Tensor:
    """The pictures (T, 3, H, W), each active one mixed with what ``change`` makes of it (3, H, W)."""
    damaged = picture.clone()
    for position in moments.active():
        one = picture[position]
        damaged[position] = torch.lerp(one, change(one), moments.intensities[position])
    return damaged


def _woven(picture: Tensor, position: int, moments: Moments) -> Tensor:
    """The picture with the odd lines of the one before it; with its own where there is none."""
    woven = picture[position].clone()
    if position and moments.indices[position - 1] == moments.indices[position] - 1:
        woven[:, 1::2] = picture[position - 1, :, 1::2]
    return woven


def _narrowed(chroma: Tensor, sampling: Sampling) -> Tensor:
    """(2, H, W) to (2, h, w): a triangle around the luma sample each lies on, the mean of the rows it is for."""
    _, height, width = chroma.shape
    if sampling.rows == 2:
        chroma = avg_pool2d(pad(chroma[None], (0, 0, 0, height % 2), mode="replicate"), (2, 1))[0]
    factor = sampling.columns
    kernel = 1 - torch.arange(1 - factor, factor, device=chroma.device).abs() / factor
    lines = pad(chroma.reshape(-1, 1, width), (factor - 1, -width % factor), mode="replicate")
    return conv1d(lines, kernel[None, None] / factor, stride=factor).view(2, chroma.shape[1], -1)


def _widened(chroma: Tensor, sampling: Sampling, size: torch.Size) -> Tensor:
    """(2, h, w) to (2, H, W), linear between the places where the samples lie."""
    more = torch.cat([chroma, chroma[..., -1:]], -1)
    wide = (more.shape[-2], (more.shape[-1] - 1) * sampling.columns + 1)
    lines = interpolate(more[None], wide, mode="bilinear", align_corners=True)[..., : size[1]]
    if sampling.rows == 2:
        lines = interpolate(lines, (2 * lines.shape[-2], size[1]), mode="bilinear")
    return lines[0, :, : size[0]]


def _filled(picture: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """What ``change`` makes of the picture with its edges repeated until it is of whole macroblocks, cut back."""
    _, height, width = picture.shape
    whole = pad(picture[None], (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")[0]
    return change(whole)[:, :height, :width]


def _through(
    picture: Tensor,
    encoder: str,
    decoder: str,
    sampling: Sampling,
    options: dict[str, str],
    rate: Fraction = Fraction(25),
) -> Tensor:
    """(3, H, W) through a coder of 8 bits and back."""
    _, height, width = picture.shape
    luma = picture[0] * LUMA_CODES + LUMA_BLACK
    chroma = _narrowed(picture[1:], sampling) * CHROMA_CODES + CHROMA_ZERO
    codes = [plane.round().clamp(0, 255).to(torch.uint8).numpy() for plane in (luma, *chroma)]
    frame = frame_of(tuple(codes), sampling.pixel_format)
    frame.pts, frame.time_base = 0, 1 / rate
    writer = av.Codec(encoder, "w").create("video")
    writer.width, writer.height, writer.pix_fmt = width, height, sampling.pixel_format
    writer.time_base, writer.framerate, writer.thread_count = 1 / rate, rate, 1
    writer.options = options
    reader = av.Codec(decoder, "r").create("video")
    reader.thread_count = 1
    packets = [*writer.encode(frame), *writer.encode(None)]
    (decoded,) = [picture for packet in [*packets, None] for picture in reader.decode(packet)]
    planes = [torch.from_numpy(plane.astype(np.float32)) for plane in planes_of(decoded)]
    colour = _widened((torch.stack(planes[1:]) - CHROMA_ZERO) / CHROMA_CODES, sampling, picture.shape[-2:])
    return torch.cat([((planes[0] - LUMA_BLACK) / LUMA_CODES)[None], colour])
