"""Peak memory of a restoration against the length of the tape: a tape is looped to two lengths and restored.

    python benchmarks/memory.py TAPE --minutes 2 20 --json memory.json

Each restoration runs in a process of its own; its peak resident set is what the system says it was.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av

RESTORE = "import sys; from tapemend.cli import main; sys.exit(main(sys.argv[1:]))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tape", type=Path)
    parser.add_argument("--minutes", type=float, nargs=2, default=[2, 20])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        peaks = {minutes: peak_megabytes(options.tape, minutes, Path(scratch)) for minutes in options.minutes}
    short, long = options.minutes
    print(f"ratio {peaks[long] / peaks[short]:.3f}")
    if options.json:
        options.json.write_text(json.dumps({"command": sys.argv, "peak_megabytes": peaks}, indent=2))


def peak_megabytes(tape: Path, minutes: float, folder: Path) -> float:
    """Peak resident set in MB of restoring the tape, looped to that length."""
    looped, target = folder / f"{minutes}.mkv", folder / f"{minutes}.restored.mkv"
    frames = loop(tape, looped, minutes)
    process = subprocess.Popen([sys.executable, "-c", RESTORE, "restore", str(looped), "-o", str(target)])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"restoring {minutes} minutes failed")
    print(f"{minutes:g} minutes, {frames} frames: {usage.ru_maxrss / 1024:.0f} MB", flush=True)
    return usage.ru_maxrss / 1024


def loop(tape: Path, target: Path, minutes: float) -> int:
    """Copy a tape's video packets (every frame for itself) over and over; returns the number of frames."""
    with av.open(str(tape)) as source, av.open(str(target), "w") as container:
        video = source.streams.video[0]
        packets = [bytes(packet) for packet in source.demux(video) if packet.size]
        rate = Fraction(video.average_rate or 25)
        output = container.add_stream_from_template(video)
        count = int(minutes * 60 * rate)
        for number in range(count):
            packet = av.Packet(packets[number % len(packets)])
            packet.stream, packet.time_base, packet.is_keyframe = output, 1 / rate, True
            packet.pts = packet.dts = number
            packet.duration = 1
            container.mux(packet)
    return count


if __name__ == "__main__":
    main()
