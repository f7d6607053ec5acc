// The waveforms of both stems, one above the other, with the playhead and the loop.

import { STEMS } from "./engine.js";

const GAP = 2;

export class Waveform {
  #canvas;
  #peaks = new Uint8Array(0); // vocals and accompaniment in turn
  #n = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.view = { length: 1, bin: 1, position: 0, loop: null };
  }

  get count() {
    return this.#n;
  }

  clear() {
    this.#n = 0;
  }

  add(bytes) {
    const needed = 2 * this.#n + bytes.length;
    if (needed > this.#peaks.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#peaks);
      this.#peaks = larger;
    }
    this.#peaks.set(bytes, 2 * this.#n);
    this.#n = needed >> 1;
  }

  /** Draw `view`: all in samples, a bin in samples too. */
  draw(view = this.view) {
    this.view = view;
    const canvas = this.#canvas;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name);
    const paint = canvas.getContext("2d");
    paint.clearRect(0, 0, width, height);
    const lane = (height - GAP * ratio) / 2;
    const at = (sample) => (sample / view.length) * width;
    if (view.loop) {
      paint.fillStyle = colour("--vs-loop");
      paint.fillRect(at(view.loop.from), 0, at(view.loop.to - view.loop.from), height);
    }
    const bar = Math.max(1, Math.round(2 * ratio));
    const step = bar + Math.max(1, Math.round(ratio));
    STEMS.forEach((stem, index) => {
      const middle = index * (lane + GAP * ratio) + lane / 2;
      const played = colour(`--vs-${stem}`);
      const ahead = colour(`--vs-${stem}-soft`);
      for (let x = 0; x < width; x += step) {
        const first = Math.floor(((x / width) * view.length) / view.bin);
        const last = Math.max(first + 1, Math.floor((((x + step) / width) * view.length) / view.bin));
        let peak = -1;
        for (let i = first; i < Math.min(last, this.#n); i += 1) peak = Math.max(peak, this.#peaks[2 * i + index]);
        const isThere = peak >= 0;
        const half = isThere ? Math.max(ratio / 2, (peak / 255) * (lane / 2)) : ratio / 2;
        paint.fillStyle = isThere ? (x < at(view.position) ? played : ahead) : colour("--vs-empty");
        paint.fillRect(x, middle - half, bar, 2 * half);
      }
    });
    paint.fillStyle = colour("--vs-playhead");
    paint.fillRect(Math.min(width - 2 * ratio, at(view.position)), 0, 2 * ratio, height);
  }
}
