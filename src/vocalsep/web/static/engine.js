// Plays both stems of a song from one clock, while the song may still be separated.
//
// A chunk of a song is one AudioBuffer with the channels of both stems side by side, played by one source node and
// split into stems behind it. The stems cannot drift apart. Chunks are fetched shortly before they are needed, so
// memory does not grow with the song.

import { ask } from "./server.js";

const CHUNK_SECONDS = 1;
const FETCHED_SECONDS = 12;
const SCHEDULED_SECONDS = 5;
const MOST_CHUNKS = 40;
const FULL_SCALE = 16384;
const RAMP_SECONDS = 0.015;
const FIRST_SECONDS = 0.05;
const TICK_MILLISECONDS = 60;
const RETRY_MILLISECONDS = 1000;

export const STEMS = ["vocals", "accompaniment"];

export class Engine extends EventTarget {
  /** State: "paused", "playing", or "waiting" for what is not separated or not fetched yet. */
  state = "paused";
  song = null;
  loop = null; // { from, to } in samples
  levels = Object.fromEntries(STEMS.map((stem) => [stem, { level: 1, muted: false, solo: false }]));

  #context = null;
  #gains = {};
  #analysers = {};
  #splitter = null;
  #chunks = new Map(); // number of a chunk -> AudioBuffer, or a promise of one
  #pieces = []; // what is scheduled: { source, when, from, length }, in seconds of the context and samples
  #position = 0; // sample from which to go on where nothing is scheduled
  #timer = null;
  #generation = 0;

  /** Take a song: its facts as the server gives them. The same song again only grows. */
  load(song) {
    const isSame = this.song?.id === song.id && (song.samples ?? 0) >= (this.song.samples ?? 0);
    if (!isSame) {
      this.#halt();
      this.#generation += 1;
      this.#chunks.clear();
      this.#position = 0;
      this.loop = null;
      if (this.state !== "paused") this.#become("paused");
    }
    this.song = song;
  }

  get context() {
    return this.#context;
  }

  get analysers() {
    return this.#analysers;
  }

  get rate() {
    return this.song?.rate ?? 44100;
  }

  /** Samples of the whole song. */
  get length() {
    if (!this.song) return 0;
    return this.song.state === "done" ? this.song.samples : Math.round((this.song.seconds ?? 0) * this.rate);
  }

  /** The sample that is heard now. */
  get position() {
    if (!this.#context || !this.#pieces.length) return this.#position;
    const now = this.#context.currentTime;
    let current = this.#pieces[0];
    for (const piece of this.#pieces) if (piece.when <= now) current = piece;
    return current.from + Math.min(current.length, Math.max(0, (now - current.when) * this.rate));
  }

  /** Make the sound output, of a rate. Browsers allow it only in answer to a key or a click. */
  unlock(rate = this.rate) {
    if (this.#context && this.#context.sampleRate !== rate) {
      this.#halt();
      this.#context.close();
      this.#context = null;
      this.#generation += 1;
      this.#chunks.clear();
    }
    if (!this.#context) {
      this.#context = new AudioContext({ sampleRate: rate });
      this.#splitter = this.#context.createChannelSplitter(4);
      STEMS.forEach((stem, index) => {
        const merger = this.#context.createChannelMerger(2);
        this.#splitter.connect(merger, 2 * index, 0);
        this.#splitter.connect(merger, 2 * index + 1, 1);
        this.#gains[stem] = this.#context.createGain();
        this.#analysers[stem] = this.#context.createAnalyser();
        this.#analysers[stem].fftSize = 2048;
        merger.connect(this.#gains[stem]).connect(this.#analysers[stem]).connect(this.#context.destination);
      });
      this.#applyLevels(0);
    }
    if (this.#context.state === "suspended") this.#context.resume();
  }

  play() {
    if (!this.song?.rate) return;
    this.unlock();
    if (this.#position >= this.length - 1) this.#position = this.loop ? this.loop.from : 0;
    this.#become("waiting");
    this.#tick();
  }

  pause() {
    this.#position = Math.floor(this.position);
    this.#halt();
    this.#become("paused");
  }

  seek(sample) {
    const position = Math.round(Math.max(0, Math.min(sample, this.length - 1)));
    const wasPaused = this.state === "paused";
    this.#halt();
    this.#position = position;
    if (!wasPaused) {
      this.#become("waiting");
      this.#tick();
    }
    this.dispatchEvent(new Event("seek"));
  }

  /** Repeat from one sample to another; null ends it. */
  setLoop(loop) {
    this.loop = loop && loop.to - loop.from > this.rate / 20 ? loop : null;
    if (this.state === "paused") return;
    const position = this.position;
    const isInside = !this.loop || (position >= this.loop.from && position < this.loop.to);
    this.seek(isInside ? position : this.loop.from);
  }

  set(stem, change) {
    Object.assign(this.levels[stem], change);
    this.#applyLevels(RAMP_SECONDS);
    this.dispatchEvent(new Event("levels"));
  }

  /** The factor of a stem, with mute and solo. */
  heard(stem) {
    const isSolo = STEMS.some((other) => this.levels[other].solo);
    const { level, muted, solo } = this.levels[stem];
    return muted || (isSolo && !solo) ? 0 : level;
  }

  /** The level of a stem as it is heard now, of the loudest of a few hundred samples. */
  meter(stem) {
    const analyser = this.#analysers[stem];
    if (!analyser || this.state !== "playing") return 0;
    const samples = new Float32Array(512);
    analyser.getFloatTimeDomainData(samples);
    return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  }

  #applyLevels(ramp) {
    if (!this.#context) return;
    for (const stem of STEMS) {
      const { gain } = this.#gains[stem];
      if (ramp) gain.setTargetAtTime(this.heard(stem), this.#context.currentTime, ramp);
      else gain.value = this.heard(stem);
    }
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #halt() {
    clearTimeout(this.#timer);
    for (const { source } of this.#pieces) {
      source.onended = null;
      source.stop();
      source.disconnect();
    }
    this.#pieces = [];
  }

  /** The sample up to which everything is scheduled, or from which to go on. */
  get #end() {
    const last = this.#pieces.at(-1);
    if (!last) return this.#position;
    const end = last.from + last.length;
    return this.loop && end === this.loop.to ? this.loop.from : end;
  }

  #tick() {
    clearTimeout(this.#timer);
    if (this.state === "paused") return;
    const now = this.#context.currentTime;
    const last = this.#pieces.at(-1);
    if (last && last.when + last.length / this.rate <= now) {
      // all that was scheduled has been heard: the song is over, or has to wait
      this.#position = this.#end;
      this.#halt();
      if (this.#position >= this.length) {
        this.#become("paused");
        return;
      }
      this.#become("waiting");
    }
    this.#pieces = this.#pieces.filter((piece) => piece === last || piece.when + piece.length / this.rate > now - 1);
    this.#fetchAhead();
    while (this.#scheduledSeconds() < SCHEDULED_SECONDS && this.#schedule());
    if (this.#pieces.length) this.#become("playing");
    this.#timer = setTimeout(() => this.#tick(), TICK_MILLISECONDS);
  }

  #scheduledSeconds() {
    const last = this.#pieces.at(-1);
    return last ? last.when + last.length / this.rate - this.#context.currentTime : 0;
  }

  /** Schedule what comes next, up to the end of its chunk; false where it is not there yet. */
  #schedule() {
    const from = this.#end;
    const size = CHUNK_SECONDS * this.rate;
    const buffer = this.#chunks.get(Math.floor(from / size));
    if (!(buffer instanceof AudioBuffer)) return false;
    const offset = from % size;
    let length = Math.min(buffer.length - offset, this.length - from);
    if (this.loop && from < this.loop.to) length = Math.min(length, this.loop.to - from);
    if (length <= 0) return false;
    const last = this.#pieces.at(-1);
    // on a sample of the output, so that nothing is interpolated
    const soon = Math.ceil((this.#context.currentTime + FIRST_SECONDS) * this.rate) / this.rate;
    const when = last ? last.when + last.length / this.rate : soon;
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#splitter);
    source.start(when, offset / this.rate, length / this.rate);
    this.#pieces.push({ source, when, from, length });
    return true;
  }

  #fetchAhead() {
    const size = CHUNK_SECONDS * this.rate;
    const first = Math.floor(this.#end / size);
    for (let number = first; number < first + FETCHED_SECONDS / CHUNK_SECONDS; number += 1) this.#fetch(number);
    if (this.loop) this.#fetch(Math.floor(this.loop.from / size));
    for (const number of this.#chunks.keys()) {
      if (this.#chunks.size <= MOST_CHUNKS) break;
      if (number < first - 2 || number > first + FETCHED_SECONDS) this.#chunks.delete(number);
    }
  }

  #fetch(number) {
    const size = CHUNK_SECONDS * this.rate;
    const start = number * size;
    const isWhole = this.song.samples >= start + size || (this.song.state === "done" && this.song.samples > start);
    if (!isWhole || this.#chunks.has(number)) return;
    const generation = this.#generation;
    const { id, channels } = this.song;
    const arrived = ask(`songs/${id}/audio?start=${start}&count=${size}`)
      .then((response) => response.arrayBuffer())
      .then((data) => {
        if (generation !== this.#generation) return;
        this.#chunks.set(number, this.#decoded(new Int16Array(data), channels));
        this.#tick();
      })
      .catch((error) => {
        if (generation !== this.#generation) return;
        setTimeout(() => this.#chunks.delete(number), RETRY_MILLISECONDS);
        this.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
      });
    this.#chunks.set(number, arrived);
  }

  /** Samples of the server, as a buffer of four channels: vocals left and right, accompaniment left and right. */
  #decoded(samples, channels) {
    const n = samples.length / (2 * channels);
    const buffer = this.#context.createBuffer(4, n, this.rate);
    for (let target = 0; target < 4; target += 1) {
      const first = channels === 2 ? target : target >> 1;
      const to = buffer.getChannelData(target);
      for (let i = 0; i < n; i += 1) to[i] = samples[i * 2 * channels + first] / FULL_SCALE;
    }
    return buffer;
  }
}
