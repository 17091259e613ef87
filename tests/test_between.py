"""Pictures made up of those before and after them."""

import pytest
import torch
from test_saturation import filmed

from tapemend.network.between import between


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_a_camera_that_pans_is_where_it_would_have_been(share: float) -> None:
    place = round(20 * share)
    before, after, truth = filmed((0, 20, place), colour=0.3)
    made = between(before, after, share)
    inside = slice(24, -24)
    assert (made - truth)[..., inside].abs().mean() < 0.012
    assert (made - truth)[..., inside].abs().mean() < 0.3 * (torch.lerp(before, after, share) - truth).abs().mean()


def test_at_either_end_it_is_the_picture_there() -> None:
    before, after = filmed((0, 9))
    assert torch.allclose(between(before, after, 0.0), before, atol=1e-4)
    assert torch.allclose(between(before, after, 1.0), after, atol=1e-4)
