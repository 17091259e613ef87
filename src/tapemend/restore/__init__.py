"""Stage 5: damaged frames, with what clean ones lend, become restored frames."""

from tapemend.restore.plan import Plan
from tapemend.restore.restorer import Restorer
from tapemend.restore.tape import TapeRestorer

__all__ = ["Plan", "Restorer", "TapeRestorer"]
