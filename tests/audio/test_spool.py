from __future__ import annotations

import numpy as np
import pytest

from vocalsep.audio.spool import Spool
from vocalsep.errors import OutputNotWritableError


def test_blocks_come_back_in_order_and_twice(tmp_path) -> None:
    samples = np.random.default_rng(0).standard_normal((3, 200_001)).astype(np.float32)
    spool = Spool(tmp_path / "a.wav", 3)
    for start in range(0, 200_001, 7001):
        spool.write(samples[:, start : start + 7001])
    spool.write(samples[:, :0])
    for _ in range(2):
        blocks = list(spool.blocks())
        assert max(block.shape[1] for block in blocks) == 65536
        assert all(block.flags.c_contiguous for block in blocks)
        np.testing.assert_array_equal(np.concatenate(blocks, axis=1), samples)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_folder_must_exist(tmp_path) -> None:
    with pytest.raises(OutputNotWritableError, match="No such file"):
        Spool(tmp_path / "missing" / "a.wav", 2)
