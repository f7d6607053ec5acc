// Puts the page together: what comes in, the list of songs and the player.

import { Drop } from "./drop.js";
import { Player } from "./player.js";
import { ask, session, upload } from "./server.js";
import { Songs } from "./songs.js";
import { about } from "./words.js";

const AT_ONCE = 80; // somebody waits for the first sound
const OFTEN = 300;
const SELDOM = 4000;
const UPLOADS_AT_ONCE = 2;
const BUSY = ["waiting", "running"];

class ModelFacts extends HTMLElement {}

customElements.define("vocalsep-drop", Drop);
customElements.define("vocalsep-player", Player);
customElements.define("vocalsep-songs", Songs);
customElements.define("vocalsep-model", ModelFacts);

const find = (name) => document.querySelector(`vocalsep-${name}`);

let songs = []; // of the server
const uploads = new Map(); // under way: a number -> what is shown of it
let nextUpload = 0;
let shownId = null;
let listens = false;
let models = [];
let model = null;
let limits = null;
let timer = null;
let isLooking = false;
let isStarting = false;

function show() {
  const all = [...songs, ...uploads.values()];
  find("songs")?.show(all, shownId);
  const player = find("player");
  const running = songs.find((song) => song.state === "running" && song.rate);
  let shown = songs.find((song) => song.id === shownId);
  if (listens && running) {
    listens = false;
    shownId = running.id;
    player.show(running, { play: true });
    return;
  }
  shown ??= running ?? songs.find((song) => song.rate);
  if (shown) {
    shownId = shown.id;
    player.show(shown);
  } else if (player?.engine.song) {
    player.clear(player.engine.song);
  }
}

/** Ask the server what has happened, and go on asking: often while something happens. */
async function look() {
  clearTimeout(timer);
  if (isLooking) return;
  isLooking = true;
  try {
    const facts = await session();
    // what is on its way is shown from here, where its progress is known
    const arrived = facts.songs.filter((song) => song.state !== "uploading" && song.state !== "checking");
    tellChanges(arrived);
    songs = arrived;
    limits = facts.limits;
    show();
  } catch (error) {
    find("songs")?.say(`The server does not answer (${error.message}). Is "vocalsep web" still running?`, true);
  } finally {
    isLooking = false;
    const isBusy = uploads.size || songs.some((song) => BUSY.includes(song.state));
    const isEager = isBusy && (listens || find("player")?.isEager);
    timer = setTimeout(look, isEager ? AT_ONCE : isBusy ? OFTEN : SELDOM);
  }
}

function tellChanges(now) {
  for (const song of now) {
    const before = songs.find((other) => other.id === song.id)?.state;
    if (!before || before === song.state) continue;
    if (song.state === "done") {
      find("songs").say(`${song.name} is done`);
      lookAtModels();
    } else if (song.state === "failed") find("songs").say(`${song.name}: ${song.error}`, true);
    else if (song.state === "cancelled") find("songs").say(`${song.name} is cancelled`);
  }
}

async function lookAtModels() {
  try {
    models = await (await ask("models")).json();
  } catch {
    return; // the next look says that the server is gone
  }
  showModel();
  if (models.length && models.every((one) => one.pace === null)) setTimeout(lookAtModels, 1500);
}

function showModel() {
  const chosen = models.find((one) => one.id === model) ?? models[0];
  const place = find("model");
  if (!chosen || !place) return;
  const ready = songs.filter((song) => song.seconds && song.state !== "done");
  const seconds = ready.reduce((sum, song) => sum + song.seconds, 0);
  let time = "How long it takes here is measured with the first song.";
  if (chosen.pace !== null) {
    const how = chosen.measured ? "measured on this machine" : "reckoned from another model on this machine";
    time = `A song of 4 minutes takes about ${about(240 * chosen.pace)} (${how}).`;
    if (seconds) time += ` These songs: about ${about(seconds * chosen.pace)}.`;
  }
  const text = `${chosen.description} ${chosen.licence} ${time}`;
  if (place.textContent !== text) place.textContent = text;
}

/** Send songs, two at a time, each named where it cannot be taken. */
async function take(files) {
  const waiting = files.map((file) => {
    const facts = { id: `upload-${nextUpload}`, name: file.name, state: "uploading", sent: 0 };
    nextUpload += 1;
    uploads.set(facts.id, facts);
    return { file, facts };
  });
  show();
  const send = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { file, facts } = next;
      try {
        if (limits && file.size > limits.bytes) throw new Error(`${file.name} is larger than ${limits.bytes / 1e6} MB`);
        const song = await upload(file, file.name, (sent) => {
          facts.sent = sent;
          show();
        });
        uploads.delete(facts.id);
        if (!songs.some((other) => other.id === song.id)) songs.push(song);
        if (song.state === "failed") find("songs").say(`${song.name}: ${song.error}`, true);
      } catch (error) {
        facts.state = "failed";
        facts.error = error.message;
        find("songs").say(error.message, true);
      }
      show();
      showModel();
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, send));
  look();
}

async function act({ kind, id }) {
  if (kind === "listen") {
    shownId = id;
    show();
    find("player").engine.play();
    return;
  }
  if (uploads.has(id)) {
    uploads.delete(id);
    show();
    return;
  }
  try {
    if (kind === "cancel") await ask(`songs/${id}/cancel`, { method: "POST" });
    else {
      await ask(`songs/${id}`, { method: "DELETE" });
      songs = songs.filter((song) => song.id !== id);
      if (shownId === id) shownId = null;
    }
  } catch (error) {
    find("songs").say(error.message, true);
  }
  show();
  look();
}

/** What Gradio's controls call. */
window.vocalsep = {
  async start({ listen, ...order }) {
    const wanted = songs.filter((song) => ["ready", "failed", "cancelled"].includes(song.state) && song.seconds);
    const again = wanted.length ? wanted : songs.filter((song) => song.state === "done" && song.id === shownId);
    if (!again.length) {
      find("songs").say(uploads.size ? "The songs are still on their way." : "Drop a song first.", true);
      return;
    }
    if (isStarting) return; // a second click while the first is on its way
    isStarting = true;
    if (listen) find("player").engine.unlock(again[0].output); // while the click counts
    listens = listen;
    try {
      await ask("start", {
        method: "POST",
        body: JSON.stringify({ ...order, songs: again.map((song) => song.id) }),
        headers: { "Content-Type": "application/json" },
      });
    } catch (error) {
      find("songs").say(error.message, true);
    } finally {
      isStarting = false;
    }
    look();
  },
  choose(name) {
    model = name;
    showModel();
  },
  get player() {
    return find("player");
  },
  get songs() {
    return songs;
  },
};

document.addEventListener("songs", (event) => take(event.detail));
document.addEventListener("trouble", (event) => find("songs").say(event.detail, true));

// Gradio builds the page when its scripts have loaded
const built = setInterval(() => {
  if (!find("songs") || !find("player")) return;
  clearInterval(built);
  find("songs").addEventListener("act", (event) => act(event.detail));
  look();
  lookAtModels();
}, 50);
