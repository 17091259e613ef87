"""The ffmpeg program that imageio-ffmpeg brings: its filters that PyAV's build has not (libvmaf, hqdn3d)."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tapemend.errors import ModelMissing, NotAVideo

VMAF_MODEL = "vmaf_v0.6.1"
"""libvmaf's model for HD at three times the picture's height; the one that the paper was measured with."""
IN_STEP = "settb=1/25,setpts=N"
"""Frames are paired by their number, whatever their times."""


@cache
def program() -> str:
    """The path of the program; ModelMissing where there is none."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise ModelMissing(
            "there is no ffmpeg program; install it with pip install 'tapemend[evaluate]', or leave vmaf out of "
            "--metrics and classical out of --methods"
        ) from error


def version() -> str:
    """Its version, such as n9.0.2."""
    return _run(["-version"], None).split()[2]


def refuse_without(filters: set[str]) -> None:
    """Raise ModelMissing unless the program has all these filters."""
    has = {words[1] for line in _run(["-filters"], None).splitlines() if len(words := line.split()) > 1}
    if lacking := sorted(filters - has):
        raise ModelMissing(
            f"the ffmpeg program {Path(program()).name} was built without {', '.join(lacking)}; let IMAGEIO_FFMPEG_EXE "
            "name one that has it, or leave vmaf out of --metrics and classical out of --methods"
        )


def filter_names(chain: str) -> set[str]:
    """The filters of a chain such as ``hqdn3d=4,atadenoise``."""
    return {re.split("[=@]", each, maxsplit=1)[0] for each in chain.split(",")}


def filtered(source: Path, target: Path, chain: str) -> None:
    """Send a video through a chain of filters into a lossless file, frame by frame; sound is left behind."""
    coded = ("-c:v", "ffv1", "-level", "3", "-threads", "1")
    words = ["-i", str(source.absolute()), "-an", "-vf", chain, "-fps_mode", "passthrough", *coded]
    _run([*words, str(target.absolute())], source)


def vmaf(video: Path, truth: Path) -> list[float]:
    """VMAF of every frame of a video against the true one, 0 to 100; only luma counts."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "vmaf.json"
        graph = (
            f"[0:v]{IN_STEP}[video];[1:v]{IN_STEP}[truth];[video][truth]"
            f"libvmaf=log_fmt=json:log_path={log.name}:n_threads=1:model=version={VMAF_MODEL}"
        )
        words = ["-i", str(video.absolute()), "-i", str(truth.absolute()), "-an", "-lavfi", graph, "-f", "null", "-"]
        _run(words, video, log.parent)
        return [float(frame["metrics"]["vmaf"]) for frame in json.loads(log.read_text())["frames"]]


def _run(words: list[str], source: Path | None, folder: Path | None = None) -> str:
    """What the program says; NotAVideo with its last words where it fails over ``source``."""
    command = [program(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *words]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, cwd=folder)
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:]
        raise NotAVideo(f"{source or Path(program()).name}: ffmpeg failed ({said or f'exit code {done.returncode}'})")
    return done.stdout
