"""Tape formats: the numbers of the standards, and what decks of the time made of them.

Carriers are from the vhs-decode project's format definitions (vhsdecode/format_defs), which cite the standards (VHS:
IEC 60774-1), unless a line says otherwise. Where no published figure is known a rule stands in its place, named here:

- Luma bandwidth is 10 kHz for each line of horizontal resolution: ntsc-rs cuts VHS SP at 2.4 MHz, and VHS is stated to
  have 240 lines. S-VHS and Hi8 have 400 and Video8 240 (videocide.com, "Hi8"), Betamax 250.
- Chroma bandwidth goes with the colour-under carrier, from the 320 kHz of VHS SP (ntsc-rs): a lower carrier has less
  room for its sidebands. S-VHS and Hi8 left the chroma as it was.
- The delay of the chroma goes with the inverse of its bandwidth, from 4 samples of 4 x 3.58 MHz for VHS SP (ntsc-rs).
- Narrow tracks give less signal: 10 log10 of the track's width. VHS tracks are 58 um wide in SP, 29 in LP and 19 in EP
  (58: magnetbandmuseum.info, "VHS format").
- The signal-to-noise ratios that this starts from, 43 dB for VHS SP and those of all other formats, are estimates of
  what decks of each class reached, and so are the bandwidths of S-VHS, Hi8, Video8 and Betamax at slower speeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tapemend.degrade.grid import Standard
from tapemend.errors import SettingsError

KILOHERTZ = 1e3
MEGAHERTZ = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeFormat:
    """One format at one speed, in one television standard."""

    sync_tip: float
    """Hz, the luma FM carrier at the tip of sync (-40 IRE, PAL -43)."""
    peak_white: float
    """Hz, the same at 100 IRE."""
    luma_bandwidth: float
    """Hz, 3 dB down after playback."""
    colour_under: float
    """Hz, the carrier of the chroma on tape; the colour subcarrier itself where colour is recorded directly."""
    chroma_bandwidth: float
    """Hz, 3 dB down, of each colour difference after playback."""
    chroma_delay: float
    """Microseconds that chroma comes after luma."""
    luma_noise: float
    """dB, signal to noise of luma: 100 IRE to the noise's deviation."""
    chroma_noise: float
    """dB, signal to noise of chroma: the full swing of a colour difference to the noise's deviation."""
    heads: int = 2
    """Video heads that take turns, one a field."""
    comb_lines: int = 0
    """Lines between those that playback averages to cancel the neighbour track's chroma: NTSC 1, PAL 2; 0: no comb.

    Formats with guard bands between tracks (U-matic, Type C) need none.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carriers:
    sync_tip: float
    peak_white: float
    colour_under: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speed:
    luma_bandwidth: float
    chroma_bandwidth: float
    luma_noise: float
    chroma_noise: float


Carriers = Mapping[Standard, _Carriers]
Format = Mapping[Standard, TapeFormat]

PAL_LINE, NTSC_LINE = Standard.PAL.line_rate, Standard.NTSC.line_rate
CHROMA_DELAY_BANDWIDTH = 320e3 * 4 / (4 * 315 / 88)
"""Hz times microseconds: 0.28 us at 320 kHz."""


def _carriers(pal: tuple[float, float, float], ntsc: tuple[float, float, float]) -> Carriers:
    """Sync tip and peak white in MHz, colour-under in Hz."""
    return {
        standard: _Carriers(sync_tip=tip * MEGAHERTZ, peak_white=white * MEGAHERTZ, colour_under=under)
        for standard, (tip, white, under) in ((Standard.PAL, pal), (Standard.NTSC, ntsc))
    }


def _speed(luma: float, chroma: float, luma_noise: float, chroma_noise: float) -> _Speed:
    """MHz, kHz, dB, dB."""
    return _Speed(
        luma_bandwidth=luma * MEGAHERTZ,
        chroma_bandwidth=chroma * KILOHERTZ,
        luma_noise=luma_noise,
        chroma_noise=chroma_noise,
    )


def _format(
    carriers: Carriers, pal: _Speed, ntsc: _Speed | None = None, *, comb: bool = True, heads: int = 2
) -> Format:
    def of(standard: Standard, speed: _Speed, lines: int) -> TapeFormat:
        on_tape = carriers[standard]
        return TapeFormat(
            sync_tip=on_tape.sync_tip,
            peak_white=on_tape.peak_white,
            luma_bandwidth=speed.luma_bandwidth,
            colour_under=on_tape.colour_under,
            chroma_bandwidth=speed.chroma_bandwidth,
            chroma_delay=CHROMA_DELAY_BANDWIDTH / speed.chroma_bandwidth,
            luma_noise=speed.luma_noise,
            chroma_noise=speed.chroma_noise,
            heads=heads,
            comb_lines=lines if comb else 0,
        )

    return MappingProxyType({Standard.PAL: of(Standard.PAL, pal, 2), Standard.NTSC: of(Standard.NTSC, ntsc or pal, 1)})


# 40 lines + 1953 Hz in PAL, 40 lines in NTSC (vhs.py, from IEC 60774-1).
VHS = _carriers((3.8, 4.8, 40 * PAL_LINE + 1953), (3.4, 4.4, 40 * NTSC_LINE))
S_VHS = _carriers((5.4, 7.0, 40 * PAL_LINE + 1953), (5.4, 7.0, 40 * NTSC_LINE))
# PAL: the mean of 685.55 and 689.45 kHz, one for each head; NTSC 43.75 lines (betamax.py).
BETAMAX = _carriers((3.8, 5.2, 44 * PAL_LINE), (3.6, 4.8, 43.75 * NTSC_LINE))
# 351/8 and 175/4 lines (umatic.py).
U_MATIC_LOW = _carriers((3.8, 5.4, 351 / 8 * PAL_LINE), (3.8, 5.4, 175 / 4 * NTSC_LINE))
# High band was made for PAL: 4.8 to 6.4 MHz (Backman, "Optimizing Digital Transfer of U-matic Video Recordings") and
# 924 kHz (umatic.py; BET-Fachwörterbuch, "U-matic High Band"; Backman has 984). NTSC is taken for low band.
U_MATIC_HIGH = _carriers((4.8, 6.4, 923828.0), (3.8, 5.4, 175 / 4 * NTSC_LINE))
# PAL 5.6 to 7.2 MHz (Backman); NTSC 5.0 to 6.6 MHz is not from a source read.
U_MATIC_SP = _carriers((5.6, 7.2, 923828.0), (5.0, 6.6, 175 / 4 * NTSC_LINE))
# 46.875 and 47.25 lines (video8.py; magnetbandmuseum.info, "Video 8 Hi").
VIDEO8 = _carriers((4.2, 5.4, 46.875 * PAL_LINE), (4.2, 5.4, 47.25 * NTSC_LINE))
HI8 = _carriers((5.7, 7.7, 46.875 * PAL_LINE), (5.7, 7.7, 47.25 * NTSC_LINE))
# Composite is recorded as it is (typec.py; sync tip to peak white 7.16 to 8.9 and 7.06 to 10 MHz).
TYPE_C = _carriers((7.16, 8.9, Standard.PAL.subcarrier), (7.06, 10.0, Standard.NTSC.subcarrier))

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        # Bandwidths of the three speeds: ntsc-rs, standard.rs.
        "vhs-sp": _format(VHS, _speed(2.4, 320, 43, 40)),
        "vhs-lp": _format(VHS, _speed(1.9, 300, 40, 37)),
        "vhs-ep": _format(VHS, _speed(1.4, 280, 38, 35)),
        "s-vhs-sp": _format(S_VHS, _speed(4.0, 320, 45, 41)),
        "s-vhs-lp": _format(S_VHS, _speed(3.6, 300, 42, 38)),
        "s-vhs-ep": _format(S_VHS, _speed(3.2, 280, 40, 36)),
        # PAL has one speed, whichever of the three is asked for.
        "beta-i": _format(BETAMAX, _speed(2.5, 350, 43, 40), _speed(2.6, 350, 45, 42)),
        "beta-ii": _format(BETAMAX, _speed(2.5, 350, 43, 40)),
        "beta-iii": _format(BETAMAX, _speed(2.5, 350, 43, 40), _speed(2.4, 330, 41, 38)),
        "u-matic-low": _format(U_MATIC_LOW, _speed(2.6, 350, 45, 42), comb=False),
        # 3.4 MHz for high band and 3.6 for SP (BET-Fachwörterbuch); NTSC SP has 330 lines.
        "u-matic-high": _format(U_MATIC_HIGH, _speed(3.4, 470, 46, 44), _speed(2.6, 350, 46, 43), comb=False),
        "u-matic-sp": _format(U_MATIC_SP, _speed(3.6, 470, 47, 45), _speed(3.3, 350, 47, 44), comb=False),
        "video8-sp": _format(VIDEO8, _speed(2.4, 370, 43, 40)),
        "video8-lp": _format(VIDEO8, _speed(2.2, 350, 40, 37)),
        "hi8-sp": _format(HI8, _speed(4.0, 370, 44, 41)),
        "hi8-lp": _format(HI8, _speed(3.6, 350, 41, 38)),
        # Luma 5.2 and 4.2 MHz (typec.py); chroma as far as the composite signal goes (BT.1700: 1.3 MHz).
        "type-c": _format(TYPE_C, _speed(5.2, 1300, 43, 48), _speed(4.2, 1300, 46, 50), comb=False, heads=1),
    }
)


def tape_format(name: str, standard: Standard) -> TapeFormat:
    """The format of that name in that standard; SettingsError lists the names there are."""
    if name not in FORMATS:
        raise SettingsError(f"no tape format is called {name!r}; there are: {', '.join(FORMATS)}")
    return FORMATS[name][standard]
