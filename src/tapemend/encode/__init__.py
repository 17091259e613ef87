"""Stage 6: restored frames, with the source's sound and timing, become a file that is proven before it has its name.

A tape is restored in segments. Each finished segment is a verified lossless file (``write_segment``); the finished file
is put together from the segments by copying their packets, beside whatever else the source holds (``assemble``).
Everything is written aside, decoded again, counted and compared, and only then renamed.
"""

from tapemend.encode.assemble import assemble
from tapemend.encode.form import arrange, output_form, weave
from tapemend.encode.segment import planes_at, write_segment
from tapemend.encode.target import check_target

__all__ = ["arrange", "assemble", "check_target", "output_form", "planes_at", "weave", "write_segment"]
