import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.identity_model import IdentityModel
from vocalsep.errors import OutOfMemoryError
from vocalsep.models.architectures import build_model
from vocalsep.separation.engine import SegmentedSeparation
from vocalsep.separation.options import SeparationOptions


def run(model, waveform, block, **options):
    blocks = waveform.split(block, dim=-1)
    outputs = list(SegmentedSeparation(model, SeparationOptions(**options))(blocks))
    return torch.cat(outputs, dim=-1)


@given(
    length=st.integers(1, 3000),
    segment=st.floats(0.1, 4.0),
    overlap=st.floats(0, 0.9),
    batch=st.integers(1, 5),
    block=st.integers(1, 3500),
    shifts=st.integers(0, 3),
)
def test_identity_comes_back_to_the_last_bit(length, segment, overlap, batch, block, shifts):
    waveform = torch.randn(2, length)
    output = run(
        IdentityModel(sample_rate=200),
        waveform,
        block,
        segment_seconds=segment,
        overlap=overlap,
        batch_size=batch,
        shifts=shifts,
    )
    assert torch.equal(output[0], waveform)


def test_no_blocks_and_empty_blocks_give_nothing():
    separation = SegmentedSeparation(IdentityModel())
    assert list(separation([])) == []
    assert list(separation([torch.zeros(2, 0)])) == []


@given(block=st.integers(1, 9000))
def test_block_size_does_not_change_a_bit(block):
    torch.manual_seed(0)
    model = build_model({"architecture": "tdf_mask", "n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4})
    waveform = torch.randn(2, 9000)
    options = {"segment_seconds": 0.1, "precision": "fp32"}
    assert torch.equal(run(model, waveform, block, **options), run(model, waveform, 9000, **options))


@pytest.mark.parametrize("batch", [2, 3, 16])
def test_batch_size_does_not_change_the_result(batch):
    torch.manual_seed(0)
    model = build_model({"architecture": "tdf_mask", "n_fft": 256, "hop_length": 128, "n_bins": 128, "width": 4})
    waveform = torch.randn(2, 30_000)
    options = {"segment_seconds": 0.1, "precision": "fp32"}
    one = run(model, waveform, 9000, batch_size=1, **options)
    torch.testing.assert_close(run(model, waveform, 9000, batch_size=batch, **options), one, rtol=1e-4, atol=1e-5)


def test_shifts_add_segments_between():
    waveform = torch.randn(2, 4000)
    model = IdentityModel(sample_rate=1000)
    run(model, waveform, 4000, segment_seconds=1.0, overlap=0.5)
    assert len(model.seen) == 7
    run(model, waveform, 4000, segment_seconds=1.0, overlap=0.5, shifts=1)
    assert len(model.seen) == 7 + 13


def test_memory_does_not_grow_with_the_song():
    """The segments are finished and handed out as they come: at most two strides behind the input."""
    fed = 0

    def song():
        nonlocal fed
        for _ in range(300):
            fed += 500
            yield torch.randn(2, 500)

    behind, given_out = [], 0
    separation = SegmentedSeparation(IdentityModel(sample_rate=1000), SeparationOptions(segment_seconds=2.0))
    for output in separation(song()):
        given_out += output.shape[-1]
        behind.append(fed - given_out)
    assert given_out == 150_000
    assert max(behind) <= 2000 + 1500 + 500


def test_out_of_memory_halves_batch_then_segment_and_the_song_still_comes_out(caplog):
    waveform = torch.randn(2, 50_000)
    model = IdentityModel(sample_rate=1000, memory=2 * 3000)
    with caplog.at_level(logging.WARNING, logger="vocalsep"):
        output = run(model, waveform, 777, segment_seconds=10, batch_size=4, overlap=0.5)
    assert torch.equal(output[0], waveform)
    assert [record.message for record in caplog.records] == [
        "out of memory on cpu: going on with batches of 2",
        "out of memory on cpu: going on with batches of 1",
        "out of memory on cpu: going on with segments of 5.0 s",
        "out of memory on cpu: going on with segments of 2.5 s",
    ]
    assert set(model.seen) == {(1, 2, 2500)}


def test_out_of_memory_for_one_second_is_an_error():
    model = IdentityModel(sample_rate=1000, memory=100)
    with pytest.raises(OutOfMemoryError):
        run(model, torch.randn(2, 50_000), 777, segment_seconds=4)


@pytest.mark.parametrize(("asked", "then"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_precision_that_was_asked_for_stays_on_the_cpu(monkeypatch, asked, then):
    """Where a GPU, which this one only says it is, has no memory left for a second."""
    monkeypatch.setattr("vocalsep.separation.device._has_native_bfloat16", lambda device: True)
    monkeypatch.setattr("torch.cuda.empty_cache", lambda: None)
    separation = SegmentedSeparation(IdentityModel(), SeparationOptions(device="cpu", precision=asked))
    separation.device = torch.device("cuda")
    separation._need_less(torch.zeros(1, 2, 100))
    assert (separation.device.type, separation.dtype) == ("cpu", then)


def test_songs_of_several_threads_come_out_whole_while_memory_runs_out():
    model = IdentityModel(sample_rate=1000, memory=2 * 1500)
    separation = SegmentedSeparation(model, SeparationOptions(segment_seconds=12, batch_size=4, device="cpu"))
    songs = [torch.randn(2, 20_000 + 1000 * i) for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        outputs = list(pool.map(lambda song: torch.cat(list(separation(song.split(700, dim=1))), dim=-1), songs))
    for song, output in zip(songs, outputs, strict=True):
        assert torch.equal(output[0], song)


@pytest.mark.parametrize(
    "words", ["CUDA out of memory", "could not create a primitive", "cuFFT error: CUFFT_ALLOC_FAILED"]
)
def test_every_library_s_words_for_no_memory_are_known(words):
    class Full(IdentityModel):
        def forward(self, waveform):
            if waveform.shape[-1] > 1000:
                raise RuntimeError(words)
            return super().forward(waveform)

    waveform = torch.randn(2, 5000)
    assert torch.equal(run(Full(sample_rate=1000), waveform, 999, segment_seconds=4)[0], waveform)


def test_other_errors_of_a_model_are_not_taken_for_memory():
    class Broken(IdentityModel):
        def forward(self, waveform):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="do not fit"):
        run(Broken(), torch.randn(2, 500), 100)


def test_reduced_precision_stays_near_float32():
    torch.manual_seed(0)
    model = build_model({"architecture": "tdf_mask", "n_fft": 256, "hop_length": 128, "n_bins": 128})
    waveform = torch.randn(2, 20_000)
    full = run(model, waveform, 5000, precision="fp32")
    reduced = run(model, waveform, 5000, precision="bf16")
    assert 0 < (full - reduced).norm() / full.norm() < 0.02
