"""Numbers with what they count, as people write them; wherever something is said to them."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 frame``, ``1,500 frames``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def by_number(number: int, one: str, several: str) -> str:
    """Return the word that goes with so many: ``by_number(1, "is", "are")`` is ``is``."""
    return one if number == 1 else several
