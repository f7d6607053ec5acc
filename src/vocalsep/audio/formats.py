"""What an output file is: container, depth or bitrate, and what they can hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from vocalsep.errors import OptionError

# In hertz. At 1 Hz a few kilobytes would be a day of audio; at 2 GHz a sample of the model's would be megabytes.
LOWEST_RATE, HIGHEST_RATE = 1000, 10_000_000

Container = Literal["wav", "flac", "mp3", "ogg", "opus", "m4a"]
Depth = Literal["16", "24", "float"]
Clip = Literal["rescale", "clamp"]
"""What to do with samples beyond full scale, see `vocalsep.audio.outputs.Outputs`."""

_DEPTHS: dict[str, tuple[Depth, ...]] = {"wav": ("float", "24", "16"), "flac": ("24", "16")}
_BITRATES = {"mp3": range(8, 321), "opus": range(6, 511), "m4a": range(16, 513)}
_DEFAULT_BITRATES = {"mp3": 256, "opus": 160, "m4a": 256}
_RATES = {
    "mp3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "opus": (48000,),
    "m4a": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
}
_HIGHEST_RATES = {"flac": 655_350, "ogg": 192_000}
_MOST_CHANNELS = {"wav": 1024, "flac": 8, "mp3": 2, "ogg": 2, "opus": 2, "m4a": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFormat:
    """How an output file is encoded.

    Attributes:
        container: the file type, which is also the extension. ``ogg`` is Vorbis at quality 6 (about 192 kbit/s).
        depth: depth of ``wav`` (``16``, ``24``, ``float``) and ``flac`` (``16``, ``24``). None takes the deepest
            of the container. `as_deep_as` sets it to that of an input.
        bitrate_kbps: bitrate of all channels together, for ``mp3`` (default 256, constant), ``m4a`` (AAC, default
            256) and ``opus`` (default 160). An encoder takes the nearest that it has: mono opus ends at 256, mp3
            below 32 kHz at 160.
        rate: sample rate in hertz; None is that of the input, or the nearest that the container holds.

    Raises:
        OptionError: the container does not know this depth, bitrate or rate.
    """

    container: Container = "wav"
    depth: Depth | None = None
    bitrate_kbps: int | None = None
    rate: int | None = None

    def __post_init__(self) -> None:
        if self.container not in get_args(Container):
            choices = ", ".join(get_args(Container))
            raise OptionError(f"unknown output format {self.container!r}", f"Choose one of {choices}.")
        depths = _DEPTHS.get(self.container, ())
        if self.depth is not None and self.depth not in depths:
            hint = f"Choose one of {', '.join(depths)}." if depths else "Only wav and flac have a depth."
            raise OptionError(f"{self.container} has no depth {self.depth!r}", hint)
        bitrates = _BITRATES.get(self.container, range(0))
        if self.bitrate_kbps is not None and self.bitrate_kbps not in bitrates:
            hint = (
                f"Choose {bitrates[0]} to {bitrates[-1]}."
                if bitrates
                else f"Only {', '.join(_BITRATES)} have a bitrate. Add format=mp3."
            )
            raise OptionError(f"{self.container} has no bitrate of {self.bitrate_kbps} kbit/s", hint)
        if self.rate is not None and not self._has_rate(self.rate):
            rates = _RATES.get(self.container)
            highest = _HIGHEST_RATES.get(self.container, HIGHEST_RATE)
            hint = f"Choose {', '.join(map(str, rates))}." if rates else f"Choose {LOWEST_RATE} to {highest}."
            raise OptionError(f"{self.container} has no sample rate of {self.rate!r} Hz", hint)

    @classmethod
    def named(cls, format: OutputFormat | str | None) -> OutputFormat:
        """A format, or that of a container's name; None is wav.

        Raises:
            OptionError: there is no such container.

        >>> OutputFormat.named("mp3").bitrate
        256000
        """
        if isinstance(format, OutputFormat):
            return format
        return cls() if format is None else cls(container=cast(Container, format))

    def __str__(self) -> str:
        """Container, depth and bitrate, to be read by people.

        >>> print(OutputFormat(container="flac", depth="24"), OutputFormat(container="mp3"), sep="; ")
        flac, 24 bit; mp3, 256 kbit/s
        """
        text: str = self.container
        if depth := self.sample_depth:
            text += ", float" if depth == "float" else f", {depth} bit"
        if bitrate := self.bitrate:
            text += f", {bitrate // 1000} kbit/s"
        return text

    def _has_rate(self, rate: object) -> bool:
        if not isinstance(rate, int) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
            return False
        return replace(self, rate=None).supported_rate(rate) == rate

    @property
    def extension(self) -> str:
        """The file name's extension, without the dot."""
        return self.container

    @property
    def sample_depth(self) -> Depth | None:
        """The depth that is written: `depth`, or the container's deepest; None for a lossy format."""
        return self.depth or next(iter(_DEPTHS.get(self.container, ())), None)

    @property
    def bitrate(self) -> int | None:
        """The bitrate in bit/s; None for a format that has none."""
        kbps = self.bitrate_kbps or _DEFAULT_BITRATES.get(self.container)
        return kbps * 1000 if kbps else None

    @property
    def clips(self) -> bool:
        """Whether samples beyond ±1.0 are lost: in all formats but a float wav."""
        return self.sample_depth != "float"

    @property
    def full_scale(self) -> float:
        """The largest positive sample that is kept: 1.0, less one step in an integer format."""
        return 1.0 - 2.0 ** (1 - int(self.sample_depth)) if self.sample_depth in ("16", "24") else 1.0

    @property
    def most_channels(self) -> int:
        """The most channels that a file holds.

        The lossy formats hold more than two only in fixed loudspeaker layouts, which numbered channels cannot
        name, so they stop at two here.
        """
        return _MOST_CHANNELS[self.container]

    def as_deep_as(self, depth: Depth) -> OutputFormat:
        """This format with the depth of an input, where it has depths and none was asked for."""
        depths = _DEPTHS.get(self.container)
        if self.depth is not None or depths is None:
            return self
        return replace(self, depth=depth if depth in depths else depths[0])

    def supported_rate(self, rate: int) -> int:
        """The rate in hertz at which audio of ``rate`` is stored: the lowest that loses nothing, or the highest.

        Where a rate was asked for, it is that one.

        >>> OutputFormat(container="mp3").supported_rate(96000)
        48000
        >>> OutputFormat(container="opus").supported_rate(44100)
        48000
        """
        if self.rate is not None:
            return self.rate
        rates = _RATES.get(self.container)
        if rates is None:
            return min(rate, _HIGHEST_RATES.get(self.container, rate))
        return next((known for known in rates if known >= rate), rates[-1])
