"""Stage 7: what was found, what was done, with what: one JSON file for machines, one HTML page for people.

An inspection has a page and a JSON of its own (``inspection_page``, ``inspection_document``), made of the same parts.

``summary`` counts, ``deviations`` collects what was not as expected, ``document`` is the JSON. ``page`` is the HTML,
with ``parts``, ``verdict``, ``plot``, ``picture`` and ``facts``. ``write`` puts both beside the result.
"""

from tapemend.report.inspection_document import inspection_line
from tapemend.report.inspection_page import inspection_headline
from tapemend.report.write import report_paths, write_inspection, write_report

__all__ = ["inspection_headline", "inspection_line", "report_paths", "write_inspection", "write_report"]
