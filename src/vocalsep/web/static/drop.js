// Where songs come in: files and folders that are dropped or chosen, and the microphone.

import { element } from "./words.js";

// what a folder may hold beside songs is not sent; a file that was chosen itself is always sent
const NOT_SONGS = /\.(jpe?g|png|gif|webp|bmp|txt|nfo|md|pdf|m3u8?|cue|log|ini|db|html?|xml|json|sfv|lrc|zip)$/i;

export class Drop extends HTMLElement {
  #recorder = null;

  connectedCallback() {
    if (this.childElementCount) return;
    const files = element("input", { type: "file", multiple: true, accept: "audio/*,video/*,*/*", class: "vs-hidden",
      "aria-label": "Choose songs", tabindex: "-1", onchange: () => this.#chosen(files) });
    const folder = element("input", { type: "file", webkitdirectory: true, class: "vs-hidden",
      "aria-label": "Choose a folder of songs", tabindex: "-1", onchange: () => this.#chosen(folder, true) });
    const record = element("button", { type: "button", class: "vs-button", onclick: () => this.#record(record) }, "● Record");
    const isSecure = Boolean(navigator.mediaDevices?.getUserMedia);
    record.disabled = !isSecure;
    if (!isSecure) record.title = "Browsers record only on pages of this machine, or over https";
    const zone = element("div", {
      class: "vs-drop",
      ondragover: (event) => { event.preventDefault(); zone.classList.add("vs-over"); },
      ondragleave: () => zone.classList.remove("vs-over"),
      ondrop: (event) => this.#dropped(event, zone),
    },
      element("p", {}, "Drop songs or a folder here"),
      element("div", { class: "vs-row" },
        element("button", { type: "button", class: "vs-button", onclick: () => files.click() }, "Choose files"),
        element("button", { type: "button", class: "vs-button", onclick: () => folder.click() }, "Choose a folder"),
        record),
      files, folder);
    this.append(zone);
  }

  #give(files) {
    if (files.length) this.dispatchEvent(new CustomEvent("songs", { detail: files, bubbles: true }));
  }

  #chosen(input, isFolder = false) {
    this.#give([...input.files].filter((file) => !isFolder || isSong(file)));
    input.value = "";
  }

  async #dropped(event, zone) {
    event.preventDefault();
    zone.classList.remove("vs-over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = entries.length ? (await Promise.all(entries.map(filesOf))).flat() : [...event.dataTransfer.files];
    this.#give(files);
  }

  async #record(button) {
    if (this.#recorder) {
      this.#recorder.stop();
      return;
    }
    try {
      // what makes speech clear in a call would spoil a song
      const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const stream = await navigator.mediaDevices.getUserMedia({ audio });
      const parts = [];
      this.#recorder = new MediaRecorder(stream);
      this.#recorder.ondataavailable = (event) => parts.push(event.data);
      this.#recorder.onstop = () => {
        const ending = this.#recorder.mimeType.includes("mp4") ? "m4a" : "webm";
        this.#recorder = null;
        stream.getTracks().forEach((track) => track.stop());
        button.textContent = "● Record";
        const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
        this.#give([new File(parts, `recording ${time}.${ending}`)]);
      };
      this.#recorder.start();
      button.textContent = "■ Stop recording";
    } catch (error) {
      this.dispatchEvent(new CustomEvent("trouble", { detail: `no recording: ${error.message}`, bubbles: true }));
    }
  }
}

const isSong = (file) => !file.name.startsWith(".") && !NOT_SONGS.test(file.name);

/** The files of an entry that was dropped: itself, or the songs of a folder in depth. */
async function filesOf(entry, isInside = false) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return !isInside || isSong(file) ? [file] : [];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  return (await Promise.all(found.map((one) => filesOf(one, true)))).flat();
}
