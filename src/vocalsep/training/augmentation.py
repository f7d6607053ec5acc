"""Augmentation of a batch of stems, on the device it is on; all chance is drawn from PyTorch's generator there.

Stems come as ``(batch, stem, channel, sample)``, vocals first, and the mixture is their sum afterwards: whatever
is done to a stem, the estimate has a truth to be compared with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torchaudio.functional as audio
from torch import Tensor

from vocalsep.errors import OptionError

_SPEED_STEPS = 20
"""Speeds are ratios of n / 20, whose resampling filters are short."""


_SOFTENED_BELOW_HZ = (400.0, 3000.0)
"""Range of the frequency below which softened vocals rise: sibilants, above it, stay as they are."""

_LOWEST_PARTIAL_HZ = 100.0
"""Softened vocals rise no further below this: what lies there is rumble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How often, and how far, chunks are changed; the defaults change nothing.

    Attributes:
        gain_low: smallest factor that a stem may be multiplied by; drawn for each stem up to ``gain_high``.
        gain_high: largest factor that a stem may be multiplied by.
        swap_channels: share of stems whose left and right are swapped.
        flip_polarity: share of stems that are negated.
        remix: share of batches whose vocals are combined with the accompaniments of other songs.
        speed: share of batches that are played slower or faster, which changes the pitch too.
        speed_range: largest change of the speed, as a part of it.
        pitch: share of batches whose vocals are shifted in pitch while their tempo stays.
        pitch_semitones: largest shift of the pitch, in semitones.
        soften: share of vocals whose low partials are raised, as in soft singing close to the microphone; the
            level stays.
        soften_db: steepest slope of the raised part, in dB an octave.
        equalise: share of stems that go through a peaking filter.
        equalise_db: largest gain of the peaking filter, up or down.
        narrow: share of stems whose width is reduced, down to mono.
        lowpass: share of stems that go through a low-pass filter.
        lowpass_hz: lowest cut-off frequency of the low-pass filter.
        mono: share of chunks that are the same in all channels.
        band_limit: share of chunks with nothing above a frequency, as after resampling or a codec.
        band_limit_hz: lowest frequency above which such chunks are empty.
        lo_fi: share of chunks that are mono and band-limited at once, as old records and amateur recordings are.
        drive: share of chunks that are driven into a limiter; both stems get the gain that the mixture gets.
        drive_db: largest gain into the limiter.
        mute_vocals: share of chunks without vocals.
        mute_accompaniment: share of chunks without accompaniment, where there are vocals.
    """

    gain_low: float = 1.0
    gain_high: float = 1.0
    swap_channels: float = 0.0
    flip_polarity: float = 0.0
    remix: float = 0.0
    speed: float = 0.0
    speed_range: float = 0.1
    pitch: float = 0.0
    pitch_semitones: int = 3
    soften: float = 0.0
    soften_db: float = 8.0
    equalise: float = 0.0
    equalise_db: float = 9.0
    narrow: float = 0.0
    lowpass: float = 0.0
    lowpass_hz: float = 4000.0
    mono: float = 0.0
    band_limit: float = 0.0
    band_limit_hz: float = 3500.0
    lo_fi: float = 0.0
    drive: float = 0.0
    drive_db: float = 9.0
    mute_vocals: float = 0.0
    mute_accompaniment: float = 0.0

    def __post_init__(self) -> None:
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(
                    f"augmentation.{name} is {getattr(self, name)}, but a share is 0 to 1", "Give 0 to 1."
                )
        if not 0 <= self.gain_low <= self.gain_high:
            raise OptionError(f"gains from {self.gain_low} to {self.gain_high} are no range")
        if not 0 <= self.speed_range <= 0.5:
            raise OptionError(f"augmentation.speed_range is {self.speed_range}", "Give 0 to 0.5.")

    def samples_for(self, n_samples: int) -> int:
        """How many samples to read for chunks of ``n_samples``: more, where they may be played faster."""
        return math.ceil(n_samples * (1 + self.speed_range)) + 1 if self.speed else n_samples

    def __call__(self, stems: Tensor, n_samples: int, sample_rate: int) -> Tensor:
        """Augment ``(batch, stem, channel, sample)``, of `samples_for` samples, to ``n_samples``."""
        stems = self._change_speed(stems)[..., :n_samples]
        stems = self._shift_pitch(stems, sample_rate)
        stems = self._soften(stems, sample_rate)
        stems = self._remix(stems)
        flat = stems.flatten(0, 1)  # (batch * stem, channel, sample): each on its own from here
        flat = torch.where(_chosen(flat, self.swap_channels), flat.flip(1), flat)
        flat = torch.where(_chosen(flat, self.flip_polarity), -flat, flat)
        flat = self._narrow(flat)
        flat = self._filter(flat, sample_rate)
        if self.gain_low < 1 or self.gain_high > 1:
            flat = flat * _uniform(flat, self.gain_low, self.gain_high)
        stems = self._mute(flat.view(*stems.shape[:2], *flat.shape[1:]))
        return self._drive(self._degrade(stems, sample_rate))

    def _change_speed(self, stems: Tensor) -> Tensor:
        if not self.speed or float(torch.rand(())) >= self.speed:
            return stems
        most = int(self.speed_range * _SPEED_STEPS)
        speed = _SPEED_STEPS + int(torch.randint(-most, most + 1, ()))
        return audio.resample(stems, speed, _SPEED_STEPS) if speed != _SPEED_STEPS else stems

    def _shift_pitch(self, stems: Tensor, sample_rate: int) -> Tensor:
        if not self.pitch or float(torch.rand(())) >= self.pitch:
            return stems
        steps = int(torch.randint(1, self.pitch_semitones + 1, ())) * (1 if float(torch.rand(())) < 0.5 else -1)
        vocals = audio.pitch_shift(stems[:, 0], sample_rate, steps, n_fft=2048)
        return torch.stack([vocals, *stems[:, 1:].unbind(dim=1)], dim=1)

    def _soften(self, stems: Tensor, sample_rate: int) -> Tensor:
        if not self.soften:
            return stems
        vocals = stems[:, 0]
        highest = torch.exp(_uniform(vocals, *map(math.log, _SOFTENED_BELOW_HZ)))
        frequency = torch.fft.rfftfreq(vocals.shape[-1], 1 / sample_rate, device=stems.device)
        octaves = torch.log2(highest / frequency.clamp(min=_LOWEST_PARTIAL_HZ)).clamp(min=0)
        raised_db = octaves * _uniform(vocals, 0.0, self.soften_db)
        softened = torch.fft.irfft(torch.fft.rfft(vocals) * 10 ** (raised_db / 20), n=vocals.shape[-1])
        softened = softened * ((_energy(vocals) + 1e-8) / (_energy(softened) + 1e-8)).sqrt()
        vocals = torch.where(_chosen(vocals, self.soften), softened, vocals)
        return torch.stack([vocals, *stems[:, 1:].unbind(dim=1)], dim=1)

    def _remix(self, stems: Tensor) -> Tensor:
        if not self.remix or float(torch.rand(())) >= self.remix:
            return stems
        vocals = stems[torch.randperm(len(stems)).to(stems.device), 0]
        return torch.stack([vocals, *stems[:, 1:].unbind(dim=1)], dim=1)

    def _narrow(self, flat: Tensor) -> Tensor:
        if not self.narrow:
            return flat
        middle = flat.mean(dim=1, keepdim=True)
        width = _uniform(flat, 0.0, 1.0)
        return torch.where(_chosen(flat, self.narrow), middle + width * (flat - middle), flat)

    def _filter(self, flat: Tensor, sample_rate: int) -> Tensor:
        if self.equalise:
            frequency = torch.exp(_uniform(flat, math.log(80.0), math.log(min(10_000.0, 0.4 * sample_rate))))
            gain_db = _uniform(flat, -self.equalise_db, self.equalise_db)
            filtered = _biquad(flat, *_peaking(frequency, gain_db, _uniform(flat, 0.4, 2.0), sample_rate))
            flat = torch.where(_chosen(flat, self.equalise), filtered, flat)
        if self.lowpass:
            highest = 0.45 * sample_rate
            frequency = torch.exp(_uniform(flat, math.log(min(self.lowpass_hz, highest)), math.log(highest)))
            filtered = _biquad(flat, *_lowpass(frequency, sample_rate))
            flat = torch.where(_chosen(flat, self.lowpass), filtered, flat)
        return flat

    def _mute(self, stems: Tensor) -> Tensor:
        if not (self.mute_vocals or self.mute_accompaniment):
            return stems
        vocals, accompaniment = stems.unbind(dim=1)
        silent = _chosen(vocals, self.mute_vocals)
        alone = _chosen(vocals, self.mute_accompaniment) & ~silent
        return torch.stack([vocals * ~silent, accompaniment * ~alone], dim=1)

    def _degrade(self, stems: Tensor, sample_rate: int) -> Tensor:
        nothing = torch.zeros(len(stems), 1, 1, dtype=torch.bool, device=stems.device)
        both = _chosen(stems, self.lo_fi) if self.lo_fi else nothing
        mono = both | _chosen(stems, self.mono) if self.mono else both
        stems = torch.where(mono[..., None], stems.mean(dim=2, keepdim=True), stems)
        if not (self.band_limit or self.lo_fi):
            return stems
        highest = math.log(0.4 * sample_rate)
        limit = torch.exp(_uniform(stems, min(math.log(self.band_limit_hz), highest), highest))[..., None]
        frequency = torch.fft.rfftfreq(stems.shape[-1], 1 / sample_rate, device=stems.device)
        # a resampler's filter: to nothing over a twentieth of the band
        passed = ((limit - frequency) / (0.05 * limit)).clamp(0, 1)
        limited = torch.fft.irfft(torch.fft.rfft(stems) * passed, n=stems.shape[-1])
        return torch.where((both | _chosen(stems, self.band_limit))[..., None], limited, stems)

    def _drive(self, stems: Tensor) -> Tensor:
        if not self.drive:
            return stems
        mixture = stems.sum(dim=1, keepdim=True)
        level = mixture.abs().amax(dim=(1, 2, 3), keepdim=True) + 1e-8
        driven = mixture / level * 10 ** (_uniform(stems, 0.0, self.drive_db)[..., None] / 20)
        gain = torch.where(driven.abs() > 1e-4, torch.tanh(driven) / driven, 1.0)
        return torch.where(_chosen(stems, self.drive)[..., None], stems * gain, stems)


_SHARES = (
    "swap_channels",
    "flip_polarity",
    "remix",
    "speed",
    "pitch",
    "soften",
    "equalise",
    "narrow",
    "lowpass",
    "mono",
    "band_limit",
    "lo_fi",
    "drive",
    "mute_vocals",
    "mute_accompaniment",
)


def _uniform(x: Tensor, low: float, high: float) -> Tensor:
    """A number for each item of ``(item, channel, sample)``, as ``(item, 1, 1)``."""
    # drawn on the CPU: the same numbers whatever the device
    return (low + (high - low) * torch.rand(len(x), 1, 1)).to(x.device)


def _chosen(x: Tensor, share: float) -> Tensor:
    """Whether each item of ``(item, channel, sample)`` is among that share, as ``(item, 1, 1)``."""
    return _uniform(x, 0.0, 1.0) < share


def _energy(x: Tensor) -> Tensor:
    """Of each item of ``(item, channel, sample)``, as ``(item, 1, 1)``."""
    return x.square().sum(dim=(1, 2), keepdim=True)


def _peaking(frequency: Tensor, gain_db: Tensor, q: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Numerator and denominator ``(item, 1, 3)`` of a peaking filter.

    Reference: Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients".
    """
    omega = 2 * math.pi * frequency / sample_rate
    alpha, amplitude = omega.sin() / (2 * q), 10 ** (gain_db / 40)
    middle = -2 * omega.cos()
    b = torch.cat([1 + alpha * amplitude, middle, 1 - alpha * amplitude], dim=-1)
    a = torch.cat([1 + alpha / amplitude, middle, 1 - alpha / amplitude], dim=-1)
    return b, a


def _lowpass(frequency: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Numerator and denominator ``(item, 1, 3)`` of a Butterworth low-pass; reference as in `_peaking`."""
    omega = 2 * math.pi * frequency / sample_rate
    alpha, cosine = omega.sin() / math.sqrt(2), omega.cos()
    b = torch.cat([(1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2], dim=-1)
    a = torch.cat([1 + alpha, -2 * cosine, 1 - alpha], dim=-1)
    return b, a


def _biquad(flat: Tensor, b: Tensor, a: Tensor) -> Tensor:
    """Filter each item of ``(item, channel, sample)`` by its own coefficients ``(item, 1, 3)``."""
    # torchaudio filters the second but last axis by one filter a row
    rows: Tensor = audio.lfilter(flat.transpose(0, 1), a.squeeze(1), b.squeeze(1), clamp=False, batching=True)
    return rows.transpose(0, 1)
