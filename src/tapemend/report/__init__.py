"""Stage 7: what was found, what was done, with what: one JSON file for machines, one HTML page for people.

``summary`` counts, ``deviations`` collects what was not as expected, ``document`` is the JSON. ``page`` is the HTML,
with ``verdict``, ``plot``, ``picture`` and ``facts`` for its parts. ``write`` puts both beside the result.
"""

from tapemend.report.write import report_paths, write_report

__all__ = ["report_paths", "write_report"]
