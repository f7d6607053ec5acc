// The list of songs: where each is on its way, and what can be done with it.

import { about, clock, element } from "./words.js";

export class Songs extends HTMLElement {
  #rows = new Map();
  #list = null;
  #said = null;

  connectedCallback() {
    if (this.#list) return;
    this.#list = element("ul", { class: "vs-songs", "aria-label": "Songs" });
    this.#said = element("p", { class: "vs-said", role: "status", "aria-live": "polite" });
    this.append(this.#said, this.#list);
  }

  /** Say something to everybody, screen readers included. */
  say(text, isError = false) {
    this.#said.textContent = text;
    this.#said.classList.toggle("vs-error", isError);
  }

  /** Show the songs: those of the server, and those on their way to it. */
  show(songs, shownId) {
    const ids = new Set(songs.map((song) => song.id));
    for (const [id, row] of this.#rows) {
      if (!ids.has(id)) {
        row.item.remove();
        this.#rows.delete(id);
      }
    }
    for (const song of songs) {
      const row = this.#rows.get(song.id) ?? this.#newRow(song);
      this.#update(row, song, song.id === shownId);
    }
  }

  #newRow(song) {
    const act = (kind) => () => this.dispatchEvent(new CustomEvent("act", { detail: { kind, id: song.id } }));
    const button = (label, text, kind) =>
      element("button", { type: "button", class: "vs-button", "aria-label": `${label} ${song.name}`, onclick: act(kind) }, text);
    const row = {
      name: element("span", { class: "vs-name" }, song.name),
      facts: element("span", { class: "vs-facts" }),
      bar: element("progress", { max: 1, "aria-label": `Progress of ${song.name}` }),
      words: element("p", { class: "vs-words" }),
      listen: button("Listen to", "Listen", "listen"),
      cancel: button("Cancel", "Cancel", "cancel"),
      remove: button("Remove", "Remove", "remove"),
    };
    row.item = element("li", { class: "vs-song" },
      element("div", { class: "vs-row" }, row.name, row.facts, row.listen, row.cancel, row.remove), row.bar, row.words);
    this.#rows.set(song.id, row);
    this.#list.append(row.item);
    return row;
  }

  #update(row, song, isShown) {
    row.item.dataset.state = song.state;
    row.item.classList.toggle("vs-shown", isShown);
    const length = song.seconds ? clock(song.seconds) : "";
    row.facts.textContent = [length, stateWords(song)].filter(Boolean).join(" · ");
    const share = shareDone(song);
    row.bar.hidden = share === null;
    if (share !== null) row.bar.value = share;
    row.words.textContent = song.error ?? "";
    row.words.classList.toggle("vs-error", song.state === "failed");
    row.listen.hidden = !song.samples || isShown;
    row.cancel.hidden = song.state !== "waiting" && song.state !== "running";
    row.remove.hidden = song.state === "waiting" || song.state === "running";
  }
}

function shareDone(song) {
  if (song.state === "uploading") return song.sent ?? 0;
  if (song.state === "running" && song.rate) return Math.min(1, song.samples / song.rate / song.seconds);
  return null;
}

function stateWords(song) {
  switch (song.state) {
    case "uploading": return `uploading, ${Math.round(100 * (song.sent ?? 0))} %`;
    case "checking": return "checking";
    case "waiting": return song.place ? `waiting, ${song.place} before it` : "waiting";
    case "running":
      if (song.stage) return song.stage;
      return song.left != null ? `separating, ${about(song.left)} left` : "separating";
    case "done": return `done with ${song.model}`;
    default: return song.state;
  }
}
