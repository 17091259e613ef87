"""Every error that tapemend raises on purpose.

::

    TapemendError
    ├── SourceError                what came in
    │   ├── NotAVideo              no file, an empty one, or nothing a decoder can read
    │   ├── UnsupportedPicture     a pixel format that cannot be kept as it is
    │   ├── PictureChanged         size or pixel format changes in mid-file
    │   ├── SourceChanged          the file is not the one that was analysed, or reads differently now
    │   └── NothingToLearn         too few clean frames to adapt weights to the tape, or no damaged ones
    ├── TargetError                what goes out
    │   ├── TargetExists           refused unless asked
    │   ├── TargetNotWritable      no folder, no permission, no space left
    │   └── VerificationFailed     what was written does not decode to what was meant
    ├── JournalMismatch            work in progress of another tape, settings or weights
    ├── WeightsError               a checkpoint that is unknown, damaged or of another kind
    ├── ModelMissing               a pretrained model that must be fetched first
    └── SettingsError              a setting out of its range, or two that contradict each other

Each message is one line that says what happened, to what, and what to do. The command line prints it and exits with 1.
"""


class TapemendError(Exception):
    """What went wrong in terms of the user's tape; anything else that is raised is a bug."""


class SourceError(TapemendError):
    """The source cannot be used."""


class NotAVideo(SourceError):
    """No such file, an empty file, or no video stream that decodes."""


class UnsupportedPicture(SourceError):
    """The pixel format cannot be restored without changing what was not asked to change."""


class PictureChanged(SourceError):
    """Picture size or pixel format changes in the middle of the file."""


class SourceChanged(SourceError):
    """The file differs from what an earlier pass read."""


class NothingToLearn(SourceError):
    """Too little of the tape is clean to adapt weights to it, or nothing of it is damaged."""


class TargetError(TapemendError):
    """The result cannot be written."""


class TargetExists(TargetError):
    """The target is there already and replacing it was not asked for."""


class TargetNotWritable(TargetError):
    """The target's folder is missing, forbidden or full."""


class VerificationFailed(TargetError):
    """The written file does not decode to the frames that were written into it."""


class JournalMismatch(TapemendError):
    """A journal of other work lies where this work's journal would be."""


class WeightsError(TapemendError):
    """A checkpoint is unknown, damaged, or made for another network."""


class ModelMissing(TapemendError):
    """A pretrained model is not on this machine."""


class SettingsError(TapemendError):
    """A setting is out of range or contradicts another."""
