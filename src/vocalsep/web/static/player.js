// The player: transport, waveform, faders, loop, downloads and spectrograms of one song.

import { Engine, STEMS } from "./engine.js";
import { address, ask } from "./server.js";
import { Waveform } from "./waveform.js";
import { clock, element, spoken } from "./words.js";

const NAMES = { vocals: "Vocals", accompaniment: "Accompaniment", mixture: "Song" };
const STEP_SECONDS = 5;
const LOUDEST = 150;

export class Player extends HTMLElement {
  engine = new Engine();
  #parts = {};
  #waveform = null;
  #loopFrom = null;
  #playsWhenReady = false;
  #fetching = false;

  connectedCallback() {
    if (this.#waveform) return;
    this.#build();
    for (const event of ["state", "seek", "levels"]) this.engine.addEventListener(event, () => this.#show());
    this.engine.addEventListener("trouble", (event) => { this.#parts.status.textContent = event.detail; });
    document.addEventListener("keydown", (event) => this.#key(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    this.#frame();
  }

  /** Show a song, or what has become of the one that is shown. */
  show(song, { play = false } = {}) {
    const isNew = this.engine.song?.id !== song.id || (song.samples ?? 0) < (this.engine.song?.samples ?? 0);
    if (isNew) {
      this.#playsWhenReady = false;
      this.#waveform.clear();
      this.#loopFrom = null;
      this.#parts.pictures.open = false;
      this.#parts.pictureRow.replaceChildren();
      delete this.#parts.pictureRow.dataset.song;
    }
    this.engine.load(song);
    if (play) this.#playsWhenReady = true;
    if (this.#playsWhenReady && song.samples) {
      this.#playsWhenReady = false;
      this.engine.play();
    }
    this.hidden = !song.rate;
    this.#fetchPeaks();
    this.#show();
  }

  /** Whether it will play as soon as there is something to hear. */
  get isEager() {
    return this.#playsWhenReady;
  }

  /** Show nothing, where the song is deleted. */
  clear(song) {
    if (this.engine.song?.id !== song.id) return;
    this.engine.pause();
    this.hidden = true;
  }

  toggle() {
    if (this.engine.state === "paused") this.engine.play();
    else this.engine.pause();
  }

  #build() {
    const parts = this.#parts;
    const button = (label, text, onclick, more = {}) =>
      element("button", { type: "button", class: "vs-button", "aria-label": label, title: label, onclick, ...more }, text);
    parts.title = element("h2", { class: "vs-title" });
    parts.play = button("Play", "▶", () => this.toggle(), { class: "vs-button vs-play" });
    parts.time = element("span", { class: "vs-time" });
    parts.status = element("span", { class: "vs-status", role: "status" });
    parts.karaoke = button("Karaoke: vocals off", "Karaoke", () => this.#karaoke(), { "aria-pressed": "false" });
    parts.from = button("Loop from here (A)", "A", () => this.#markFrom());
    parts.to = button("Loop to here (B)", "B", () => this.#markTo());
    parts.noLoop = button("End the loop", "Loop off", () => this.#endLoop());
    parts.canvas = element("canvas", {
      class: "vs-wave",
      role: "slider",
      tabindex: "0",
      "aria-label": "Position in the song",
      "aria-valuemin": "0",
      onpointerdown: (event) => this.#point(event),
      onpointermove: (event) => { if (event.buttons & 1) this.#point(event); },
    });
    const legend = element("div", { class: "vs-legend", "aria-hidden": "true" },
      ...STEMS.map((stem) => element("span", { class: `vs-of-${stem}` }, NAMES[stem])));
    const channels = element("div", { class: "vs-channels" }, ...STEMS.map((stem) => this.#channel(stem)));
    parts.downloads = element("div", { class: "vs-downloads", role: "group", "aria-label": "Downloads" });
    parts.pictureRow = element("div", { class: "vs-pictures" });
    parts.pictures = element("details", { ontoggle: () => this.#showPictures() },
      element("summary", {}, "Spectrograms"), parts.pictureRow);
    this.append(element("section", { class: "vs-card", "aria-label": "Player" },
      parts.title,
      element("div", { class: "vs-transport" }, parts.play, parts.time, parts.karaoke, parts.from, parts.to,
        parts.noLoop, parts.status),
      legend, parts.canvas, channels, parts.downloads, parts.pictures,
      element("p", { class: "vs-keys" },
        "Keys: space plays and pauses, ← and → go 5 s back and forth, A and B set a loop, L ends it, K is karaoke.")));
    this.#waveform = new Waveform(parts.canvas);
    this.hidden = true;
  }

  #channel(stem) {
    const name = NAMES[stem];
    const fader = element("input", {
      type: "range", min: 0, max: LOUDEST, step: 1, value: 100, id: `vs-fader-${stem}`, class: `vs-fader vs-of-${stem}`,
      oninput: () => this.engine.set(stem, { level: fader.value / 100 }),
      ondblclick: () => this.engine.set(stem, { level: 1 }),
    });
    const value = element("output", { for: fader.id, class: "vs-value" });
    const mute = element("button", {
      type: "button", class: "vs-button", "aria-label": `Mute ${name}`, "aria-pressed": "false",
      onclick: () => this.engine.set(stem, { muted: !this.engine.levels[stem].muted }),
    }, "Mute");
    const solo = element("button", {
      type: "button", class: "vs-button", "aria-label": `Solo ${name}`, "aria-pressed": "false",
      onclick: () => this.engine.set(stem, { solo: !this.engine.levels[stem].solo }),
    }, "Solo");
    const meter = element("div", { class: `vs-meter vs-of-${stem}`, "aria-hidden": "true" });
    this.#parts[stem] = { fader, value, mute, solo, meter };
    return element("div", { class: "vs-channel", role: "group", "aria-label": name },
      element("label", { for: fader.id, class: `vs-of-${stem}` }, name), fader, value, mute, solo, meter);
  }

  #show() {
    const { engine } = this;
    const { song } = engine;
    const parts = this.#parts;
    if (!song) return;
    parts.title.textContent = song.track;
    const isOn = engine.state !== "paused";
    parts.play.textContent = isOn ? "❚❚" : "▶";
    for (const name of ["aria-label", "title"]) parts.play.setAttribute(name, isOn ? "Pause" : "Play");
    parts.status.textContent = {
      waiting: song.state === "running" || song.state === "waiting" ? "waiting for the separation" : "loading",
    }[engine.state] ?? "";
    parts.karaoke.setAttribute("aria-pressed", String(engine.heard("vocals") === 0 && engine.heard("accompaniment") > 0));
    parts.from.setAttribute("aria-pressed", String(this.#loopFrom !== null || engine.loop !== null));
    parts.to.setAttribute("aria-pressed", String(engine.loop !== null));
    parts.noLoop.disabled = this.#loopFrom === null && engine.loop === null;
    for (const stem of STEMS) {
      const { fader, value, mute, solo } = parts[stem];
      const { level, muted, solo: isSolo } = engine.levels[stem];
      const percent = Math.round(level * 100);
      fader.value = percent;
      fader.setAttribute("aria-valuetext", `${percent} percent`);
      value.textContent = `${percent} %`;
      mute.setAttribute("aria-pressed", String(muted));
      solo.setAttribute("aria-pressed", String(isSolo));
    }
    parts.canvas.setAttribute("aria-valuemax", Math.round(engine.length / engine.rate));
    this.#showDownloads(song);
    this.#draw();
  }

  #showDownloads(song) {
    const { downloads } = this.#parts;
    if (song.state !== "done") {
      downloads.replaceChildren();
      return;
    }
    const levels = STEMS.map((stem) => `${stem}=${this.engine.heard(stem).toFixed(2)}`).join("&");
    const links = [
      ...song.stems.map((stem) => [NAMES[stem], `stems/${stem}`]),
      ["All as zip", "zip"],
      ["This mix", `mix?${levels}`],
    ];
    if (downloads.children.length !== links.length) {
      downloads.replaceChildren(...links.map(() => element("a", { class: "vs-button", download: "" })));
    }
    links.forEach(([name, path], index) => {
      const link = downloads.children[index];
      link.textContent = `⤓ ${name}`;
      link.setAttribute("aria-label", `Download: ${name}`);
      link.href = address(`songs/${song.id}/${path}`);
    });
  }

  #showPictures() {
    const { pictures, pictureRow } = this.#parts;
    const { song } = this.engine;
    if (!pictures.open || pictureRow.dataset.song === `${song.id} ${song.state}`) return;
    pictureRow.dataset.song = `${song.id} ${song.state}`;
    if (song.state !== "done") {
      pictureRow.replaceChildren("They are drawn when the song is done.");
      return;
    }
    pictureRow.replaceChildren(...["mixture", "vocals", "accompaniment"].map((picture) =>
      element("figure", {},
        element("img", {
          src: address(`songs/${song.id}/spectrogram/${picture}`), width: 900, height: 256,
          alt: `Spectrogram: ${NAMES[picture]}`,
        }),
        element("figcaption", {}, NAMES[picture]))));
  }

  async #fetchPeaks() {
    const { song } = this.engine;
    if (this.#fetching || !song.peaks || this.#waveform.count >= song.peaks) return;
    this.#fetching = true;
    try {
      const response = await ask(`songs/${song.id}/peaks?start=${this.#waveform.count}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (this.engine.song.id === song.id) this.#waveform.add(bytes);
    } catch {
      // the song is deleted, or the next look finds the peaks
    } finally {
      this.#fetching = false;
    }
    this.#draw();
  }

  #draw() {
    const { engine } = this;
    if (this.hidden || !engine.song?.rate) return;
    const position = engine.position;
    const loop = engine.loop ?? (this.#loopFrom !== null && { from: this.#loopFrom, to: this.#loopFrom + engine.length / 500 });
    this.#waveform.draw({ length: engine.length, bin: engine.song.bin * engine.rate, position, loop: loop || null });
    const seconds = position / engine.rate;
    this.#parts.time.textContent = `${clock(seconds)} / ${clock(engine.length / engine.rate)}`;
    this.#parts.canvas.setAttribute("aria-valuenow", Math.floor(seconds));
    this.#parts.canvas.setAttribute("aria-valuetext", spoken(seconds));
  }

  #frame() {
    requestAnimationFrame(() => {
      if (this.engine.state !== "paused") this.#draw();
      for (const stem of STEMS) {
        const level = this.engine.meter(stem);
        const share = level > 0 ? Math.max(0, 1 + (20 * Math.log10(level)) / 48) : 0;
        this.#parts[stem].meter.style.setProperty("--vs-level", Math.min(1, share).toFixed(3));
      }
      this.#frame();
    });
  }

  #point(event) {
    const box = this.#parts.canvas.getBoundingClientRect();
    this.engine.seek(((event.clientX - box.left) / box.width) * this.engine.length);
  }

  #karaoke() {
    const isOff = this.engine.heard("vocals") === 0;
    this.engine.set("vocals", { level: isOff ? 1 : 0, muted: false, solo: false });
    this.engine.set("accompaniment", { muted: false, solo: false });
  }

  #markFrom() {
    this.#loopFrom = Math.floor(this.engine.position);
    this.engine.setLoop(null);
    this.#show();
  }

  #markTo() {
    const here = Math.floor(this.engine.position);
    const from = this.#loopFrom ?? this.engine.loop?.from ?? 0;
    this.engine.setLoop({ from: Math.min(from, here), to: Math.max(from, here) });
    if (this.engine.loop) this.#loopFrom = null;
    this.#show();
  }

  #endLoop() {
    this.#loopFrom = null;
    this.engine.setLoop(null);
    this.#show();
  }

  #key(event) {
    if (this.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const isText = target.closest?.("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable], [role=listbox]");
    if (isText) return;
    const isButton = target.closest?.("button, a, summary, [role=button], input[type=checkbox]");
    const isFader = target.type === "range";
    const seek = (seconds) => this.engine.seek(this.engine.position + seconds * this.engine.rate);
    const act = {
      " ": () => !isButton && this.toggle(),
      ArrowLeft: () => !isFader && seek(-STEP_SECONDS),
      ArrowRight: () => !isFader && seek(STEP_SECONDS),
      Home: () => target === this.#parts.canvas && this.engine.seek(0),
      End: () => target === this.#parts.canvas && this.engine.seek(this.engine.length),
      a: () => this.#markFrom(),
      b: () => this.#markTo(),
      l: () => this.#endLoop(),
      k: () => this.#karaoke(),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act && act() !== false) event.preventDefault();
  }
}
