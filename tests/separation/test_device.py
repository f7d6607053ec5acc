import logging

import pytest
import torch

from vocalsep.errors import DeviceError, OptionError
from vocalsep.separation.device import _warn_of_slow_bfloat16, choose_device, choose_precision


def test_auto_takes_what_is_there():
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device("auto").type == expected


def test_missing_devices_are_named():
    with pytest.raises(DeviceError, match=r"no CUDA device 99 here"):
        choose_device("cuda:99")


@pytest.mark.parametrize("name", ["gpu", "meta", "cuda:x", ""])
def test_unknown_devices(name):
    with pytest.raises(OptionError, match="unknown device"):
        choose_device(name)


def test_precisions():
    cpu = torch.device("cpu")
    assert choose_precision("bf16", cpu) is torch.bfloat16
    assert choose_precision("fp16", cpu) is torch.float16
    assert choose_precision("fp32", cpu) is torch.float32
    assert choose_precision("auto", torch.device("mps")) is torch.float32
    with pytest.raises(OptionError, match="unknown precision"):
        choose_precision("int8", cpu)


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_precision_asks_the_processor(monkeypatch, caplog, native, expected):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    _warn_of_slow_bfloat16.cache_clear()
    caplog.set_level(logging.WARNING, logger="vocalsep")
    cpu = torch.device("cpu")
    assert choose_precision("auto", cpu) is expected
    assert not caplog.messages
    for _ in range(2):
        assert choose_precision("bf16", cpu) is torch.bfloat16
    assert ["no instructions for bf16" in message for message in caplog.messages] == [True] * (not native)
