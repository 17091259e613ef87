"""A second device where there is none: tensors that lie in main memory and may not meet the others, as on a GPU.

Its name is "meta", which PyTorch has anyway; unlike meta tensors, these hold values. What a GPU refuses is refused: an
operation on tensors of both devices, but for scalars and for indices.
"""

from typing import Any, Self

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

ELSEWHERE = torch.device("meta")
HERE = torch.device("cpu")
MOVES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
INDEXED = (
    torch.ops.aten.index.Tensor,
    torch.ops.aten.index_put_.default,
    torch.ops.aten.index_put.default,
    torch.ops.aten._index_put_impl_.default,
)


class Distant(Tensor):
    """A tensor on the second device."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Self:
        made: Self = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=ELSEWHERE,
        )
        return made

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Distant({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


class SecondDevice(TorchDispatchMode):
    """While it is entered, tensors can be made on the second device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    flat, _ = tree_flatten((args, kwargs))
    distant = [value for value in flat if isinstance(value, Distant)]
    near = [value for value in flat if isinstance(value, Tensor) and not isinstance(value, Distant) and value.ndim]
    if distant and near and func not in (*MOVES, *INDEXED):
        raise RuntimeError(f"{func}: tensors on two devices")
    if func in INDEXED:
        values = args[2:3] if func is not torch.ops.aten.index.Tensor else ()
        mixed = [value for value in values if value.ndim and isinstance(value, Distant) != isinstance(args[0], Distant)]
        if mixed or (not isinstance(args[0], Distant) and distant):
            raise RuntimeError(f"{func}: tensors on two devices")
    target = kwargs.get("device")
    there = bool(distant) if target is None else torch.device(target) == ELSEWHERE
    if func is torch.ops.aten.copy_.default:
        there = isinstance(args[0], Distant)
    if target is not None:
        kwargs = kwargs | {"device": HERE}
    wrappers = {id(value.inner): value for value in distant}
    args, kwargs = tree_map(lambda value: value.inner if isinstance(value, Distant) else value, (args, kwargs))
    answer = func(*args, **kwargs)

    def placed(value: Any) -> Any:
        if not isinstance(value, Tensor) or not there:
            return value
        return wrappers.get(id(value)) if id(value) in wrappers else Distant(value)

    values, spec = tree_flatten(answer)
    return tree_unflatten([placed(value) for value in values], spec)
