"""What all tests share: none is failed for the time it takes, which depends on the machine."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
