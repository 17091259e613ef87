"""Networks that others trained, read by transformers from this machine; the net is never asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from safetensors import SafetensorError

from tapemend.errors import ModelMissing, WeightsError


def transformers_for(kind: str) -> Any:
    """The module transformers; ModelMissing says that ``kind`` needs it where it is not installed."""
    try:
        return import_module("transformers")
    except ImportError as error:
        raise ModelMissing(f"the {kind} needs transformers: pip install 'tapemend[clip]'") from error


@contextmanager
def reading(kind: str, source: str, otherwise: str) -> Iterator[None]:
    """Around the reading of a ``kind`` of network from ``source``: silent, and what goes wrong is one of our errors.

    Args:
        kind: Such as ``CLIP``.
        source: A folder in Hugging Face's layout, or the hub name of what was fetched before.
        otherwise: What else the user may do than fetch it.

    Raises:
        ModelMissing: It is not on this machine as safetensors.
        WeightsError: Its files are damaged or not those of such a network.
    """
    try:
        with _silence(transformers_for(kind).utils.logging):
            yield
    except OSError as error:
        raise ModelMissing(
            f"the {kind} {source} is not on this machine with a model.safetensors: fetch it with "
            f"'hf download {source}' where there is a network, or {otherwise}"
        ) from error
    except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"{source} cannot be read as a {kind} ({reason}): fetch it again") from error


def read(kind: str, source: str, otherwise: str) -> Any:
    """The whole ``kind`` of network, from safetensors only; as ``reading``, whose errors it raises."""
    transformers = transformers_for(kind)
    with reading(kind, source, otherwise):
        network, info = getattr(transformers, f"{kind}Model").from_pretrained(
            source, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    if lacking := sorted(info["missing_keys"]):
        raise WeightsError(f"{source} is not a whole {kind}, it lacks {lacking[0]} and {len(lacking) - 1} more")
    return network


@contextmanager
def _silence(logging: Any) -> Iterator[None]:
    """Keeps transformers (its logging module) from drawing bars and tables on the terminal; what matters is raised."""
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
