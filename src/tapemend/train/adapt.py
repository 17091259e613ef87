"""Weights adapted to one tape: its own clean frames, damaged as it is damaged, are what the network learns from last.

Look through the tape, pack stretches of clean frames, find the simulator's tapes that are damaged most like it, learn,
and judge by stretches that were held out. Only what wins there is written.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from tapemend import __version__, checkpoint
from tapemend.checkpoint import Checkpoint
from tapemend.decode import Reader
from tapemend.degrade import PRESETS
from tapemend.detect import scorer
from tapemend.device import choose_device
from tapemend.encode.target import check_target, disk_errors, refuse_existing, written_aside
from tapemend.errors import NothingToLearn, TargetNotWritable
from tapemend.evaluate.metrics import IDENTICAL_DB, mean_square_error, psnr
from tapemend.files import file_sha256
from tapemend.frames import Tape
from tapemend.network.restoration import RestorationConfig
from tapemend.pipeline import judged, look_through
from tapemend.probe import probe
from tapemend.progress import Progress, Silent
from tapemend.restore import Restorer
from tapemend.settings import (
    AdaptSettings,
    DecodeSettings,
    DetectSettings,
    EncodeSettings,
    ProbeSettings,
    ReferenceSettings,
    RestoreSettings,
    TrainSettings,
)
from tapemend.train.data import SHORTEST, Store
from tapemend.train.likeness import alike, distances
from tapemend.train.loop import Run
from tapemend.train.recipes import RestorerRecipe
from tapemend.train.samples import MARGIN, SampleSettings, sample
from tapemend.train.stretches import GAP, Stretches, find_stretches, pack_stretches

SUFFIX = ".safetensors"
LEAST_STRETCHES = 2
"""One to learn from, one to be judged by."""
STEP = 64
"""Pixels; windows of smaller tapes are smaller, multiples of it."""
LEARNING_RATE = 2e-4
"""A quarter of what the default weights were trained with at its highest. It does not fall, as nobody knows how many
steps there are time for; the average of the weights settles instead."""
ENDLESS = 1_000_000
"""Steps of a schedule that only the time ends."""
JUDGED_WINDOWS, CLEAN_WINDOWS = 40, 12
"""Held-out windows that networks are judged by: damaged ones, and ones that are to stay as they are."""
FIRST_JUDGED = 10_000_000
"""Their number among the samples of the seed; training does not come that far."""
TOUCHED = 0.5
"""Mean square error (of codes, 0 to 255) from which on a frame counts as damaged: more than rounding does."""
MARGIN_DB = 0.05
"""By which the mean gain must be higher."""
CLEAN_DB = 45.0
"""PSNR of clean frames after restoration below which they must not be worse than with the weights before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How a network does on held-out frames of the tape."""

    gain_db: float
    """Mean over damaged frames of PSNR restored less PSNR damaged, R'G'B' in dB."""
    clean_db: float
    """Mean PSNR of restored frames that were not damaged, in dB, at most IDENTICAL_DB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """What an adaptation found and did."""

    written: Path | None
    """The adapted weights; None where they do not win."""
    stretches: Stretches
    distances: Mapping[str, float]
    """Of each preset's damage to the tape's, nearest first; see ``likeness``."""
    presets: tuple[str, ...]
    """What damaged the frames, as SampleSettings.presets has it."""
    steps: int
    before: Judgement
    after: Judgement

    @property
    def wins(self) -> bool:
        """Whether the adapted weights gain MARGIN_DB more, and leave clean frames as well alone."""
        gains = self.after.gain_db >= self.before.gain_db + MARGIN_DB
        return gains and self.after.clean_db >= min(CLEAN_DB, self.before.clean_db)


def adapt(
    source: Path,
    target: Path,
    settings: AdaptSettings = AdaptSettings(),
    *,
    look: ProbeSettings = ProbeSettings(),
    detect: DetectSettings = DetectSettings(),
    progress: Progress | None = None,
) -> Adaptation:
    """Adapt weights to the tape at ``source``, which is only read, and write them to ``target`` if they win.

    Frames lie in a temporary folder meanwhile, at most 0.7 GB of them at 720x576.

    Raises TapemendError, NothingToLearn where the tape has too few clean frames or no damaged ones; the target is then
    as it was.
    """
    told = progress or Silent()
    _check_target(source, target, settings)
    tape = probe(source, look)
    start = checkpoint.read(settings.weights, "restorer")
    with TemporaryDirectory(prefix="tapemend-") as scratch:
        folder = Path(scratch)
        stretches, (learned, held_out), measured = _prepared(tape, folder, settings, detect, told)
        presets = alike(measured)
        samples = replace(_samples(tape), presets=presets)
        run = _learn(
            learned, RestorerRecipe(config=start.settings(RestorationConfig), samples=samples), settings, folder, told
        )
        new = checkpoint.read(str(run.folder / "restorer.safetensors"), "restorer")
        before, after = _judge(held_out, samples, (start, new), settings, told)
        done = Adaptation(
            written=None,
            stretches=stretches,
            distances=measured,
            presets=presets,
            steps=run.step,
            before=before,
            after=after,
        )
        if not done.wins:
            return done
        _write(new, _provenance(tape, start, settings, done), folder, target, settings)
    return replace(done, written=target)


def _check_target(source: Path, target: Path, settings: AdaptSettings) -> None:
    """Raise TargetError where the weights cannot be, or must not be, written."""
    if target.suffix.lower() != SUFFIX:
        raise TargetNotWritable(f"{target}: weights are written; name it {target.stem}{SUFFIX}")
    check_target(source, target, EncodeSettings(overwrite=settings.overwrite))


def _prepared(
    tape: Tape, folder: Path, settings: AdaptSettings, detect: DetectSettings, told: Progress
) -> tuple[Stretches, tuple[Store, Store], Mapping[str, float]]:
    """The clean stretches, packed, to learn from and held out; and how far the tape's damage is from each preset's."""
    judging = scorer(detect, choose_device(settings.device))
    with Reader(tape, DecodeSettings()) as reader:
        analysis = look_through(reader, tape, judging, folder / "analysis", told)
        verdict, shots, _ = judged(reader, analysis, ReferenceSettings())
        stretches = find_stretches(reader, analysis, verdict, shots)
        _refuse_too_little(tape, stretches, int(verdict.damaged.sum()))
        told.stage("packing clean frames", sum(map(len, stretches.learned + stretches.held_out)))
        learned, held_out = (
            pack_stretches(reader, tape.layout, part, folder / name, told.advance)
            for part, name in ((stretches.learned, "learned"), (stretches.held_out, "held out"))
        )
    told.stage("comparing damage", len(PRESETS))
    measured = distances(analysis, verdict, learned, (_samples(tape), settings.seed), judging, told.advance)
    return stretches, (learned, held_out), measured


def _refuse_too_little(tape: Tape, stretches: Stretches, damaged: int) -> None:
    if not damaged:
        raise NothingToLearn(f"{tape.path}: none of its frames is damaged, so there is nothing to adapt to")
    if stretches.count < LEAST_STRETCHES:
        raise NothingToLearn(
            f"{tape.path}: {stretches.clean_frames} clean frames, in rows of at least {SHORTEST} that make "
            f"{stretches.count} of the {LEAST_STRETCHES} stretches that adapting takes, {LEAST_STRETCHES * SHORTEST} "
            f"frames and {GAP} between them; restore it with the weights there are"
        )


def _samples(tape: Tape) -> SampleSettings:
    """How windows are cut from the tape's frames: no larger than these, nothing added that the tape does not show.

    Interlaced tape is damaged as fields, as it was; of progressive video nobody knows, so both occur.
    """
    usual = RestorerRecipe().samples
    return replace(
        usual,
        rows=min(usual.rows, max(1, tape.height // STEP) * STEP),
        columns=min(usual.columns, max(1, (tape.width - 2 * MARGIN) // STEP) * STEP),
        fields_share=1.0 if tape.scan.used.interlaced else usual.fields_share,
        texture_share=0.0,
        far_share=0.0,
        varied_share=0.0,
        spared_share=0.0,
    )


def _learn(store: Store, recipe: RestorerRecipe, settings: AdaptSettings, folder: Path, told: Progress) -> Run:
    """Learn until the time is over."""
    how = TrainSettings(
        minutes=settings.minutes,
        seed=settings.seed,
        device=settings.device,
        steps=settings.steps,
        start_from=settings.weights,
        ahead=settings.ahead,
    )
    run = Run(replace(recipe, learning_rate=LEARNING_RATE, steps=ENDLESS), how, folder / "run")
    seconds = round(60 * settings.minutes)
    told.stage("learning (seconds)", seconds)
    began, shown = time.monotonic(), 0

    def tell() -> None:
        nonlocal shown
        passed = min(seconds, round(time.monotonic() - began))
        told.advance(passed - shown)
        shown = passed

    run.train(store, tell)
    return run


def _judge(
    store: Store, samples: SampleSettings, networks: Sequence[Checkpoint], settings: AdaptSettings, told: Progress
) -> list[Judgement]:
    """Have networks restore the same windows of held-out frames, through the restorer that restores tapes."""
    restorers = [Restorer(network, RestoreSettings(device=settings.device)) for network in networks]
    told.stage("judging", JUDGED_WINDOWS + CLEAN_WINDOWS)
    gains: list[list[Tensor]] = [[] for _ in networks]
    clean: list[list[Tensor]] = [[] for _ in networks]
    for number in range(JUDGED_WINDOWS + CLEAN_WINDOWS):
        damaged = number < JUDGED_WINDOWS
        one = replace(samples, windows=1, clean_share=0.0 if damaged else 1.0)
        batch = sample(store, one, settings.seed, FIRST_JUDGED + number)
        window, truth = batch.damaged[0], batch.clean[0]
        error = mean_square_error(window, truth)
        for place, restorer in enumerate(restorers):
            keep = range(len(window))
            lendable = batch.lendable[0].numpy()
            change = restorer.change(window, keep, batch.references[0], lendable, batch.torn[0])
            left = psnr(mean_square_error(window + change, truth)).clamp(max=IDENTICAL_DB)
            if damaged:
                gains[place].append((left - psnr(error))[error > TOUCHED])
            else:
                clean[place].append(left)
        told.advance(1)
    return [Judgement(gain_db=_mean(gain), clean_db=_mean(kept)) for gain, kept in zip(gains, clean, strict=True)]


def _mean(values: list[Tensor]) -> float:
    """Of all values in all tensors, 0 where there is none."""
    together = torch.cat(values)
    return together.mean().item() if len(together) else 0.0


def _provenance(tape: Tape, start: Checkpoint, settings: AdaptSettings, done: Adaptation) -> dict[str, str]:
    """Where the weights come from and why these were written, beside what training notes."""
    return {
        "tapemend": __version__,
        "adapted_to": tape.path.name,
        "tape_sha256": file_sha256(tape.path),
        "adapted_from": f"{start.name} {start.sha256}",
        "presets": ", ".join(done.presets),
        "distances": json.dumps({name: round(distance, 4) for name, distance in done.distances.items()}),
        "learned_from": ", ".join(f"{stretch.start}-{stretch.stop - 1}" for stretch in done.stretches.learned),
        "held_out": ", ".join(f"{stretch.start}-{stretch.stop - 1}" for stretch in done.stretches.held_out),
        "gain_db": f"{done.before.gain_db:.3f} before, {done.after.gain_db:.3f} after",
        "clean_db": f"{done.before.clean_db:.2f} before, {done.after.clean_db:.2f} after",
    }


def _write(new: Checkpoint, provenance: dict[str, str], folder: Path, target: Path, settings: AdaptSettings) -> None:
    """Write the checkpoint with all that is known of it, read it again, and only then put it where it goes."""
    whole = folder / target.name
    with disk_errors(whole):
        checkpoint.write(whole, new.kind, new.settings(RestorationConfig), new.tensors, new.provenance | provenance)
    checkpoint.read(str(whole), new.kind)
    refuse_existing(target, EncodeSettings(overwrite=settings.overwrite))
    with written_aside(target) as aside, disk_errors(target):
        shutil.copyfile(whole, aside)
