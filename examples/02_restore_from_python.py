"""Restore a tape from Python: every stage in one call, and what it has to say afterwards.

python examples/02_restore_from_python.py [TAPE [RESTORED]]
"""

import logging
import sys
from pathlib import Path

from tapemend.allocator import keep_memory
from tapemend.errors import TapemendError
from tapemend.pipeline import Outcome, restore
from tapemend.settings import EncodeSettings, RestoreSettings, Settings


class Lines:
    """Progress as lines of text; anything with these two methods will do."""

    def stage(self, name: str, total: int | None, done: int = 0) -> None:
        """A stage begins."""
        print(f"{name}: {done} of {total if total is not None else 'all'} frames are there already")

    def advance(self, frames: int) -> None:
        """So many more frames are done."""


def mend(tape: Path, restored: Path) -> Outcome:
    """Restore a tape at nine tenths of the full strength."""
    settings = Settings(restore=RestoreSettings(strength=0.9), encode=EncodeSettings(overwrite=True))
    return restore(tape, restored, settings, progress=Lines())


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    keep_memory()
    tape = Path(sys.argv[1] if len(sys.argv) > 1 else "demo/tape.mkv")
    restored = Path(sys.argv[2]) if len(sys.argv) > 2 else tape.with_name("from-python.mkv")
    try:
        outcome = mend(tape, restored)
    except TapemendError as error:
        sys.exit(f"{error}")
    print(f"{outcome.written.path}: {outcome.changed_frames} of {outcome.frame_count} frames changed,")
    print(f"{outcome.damaged_frames} were judged damaged; sha256 {outcome.written.sha256}")
    for sentence in (*outcome.written.carried, *outcome.written.left_out):
        print(f"  {sentence}")
    print(f"{outcome.report_html} tells what was found and done, {outcome.report_json} the same to programs")
