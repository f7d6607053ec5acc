// Requests to the server, for the session of this browser tab.

const HEADER = "X-Vocalsep-Session";
const KEPT = "vocalsep-session";
const BASE = new URL("vocalsep/", document.baseURI);

export const address = (path) => new URL(path, BASE).href;

let opening = null;

async function newSession() {
  const response = await fetch(address("session"), { method: "POST" });
  const facts = await response.json();
  if (!response.ok) throw new Error(facts.error);
  sessionStorage.setItem(KEPT, facts.id);
  return facts;
}

/** The session with its songs: that of this tab, or a new one where it is over. */
export async function session() {
  const id = sessionStorage.getItem(KEPT);
  if (id) {
    const response = await fetch(address("session"), { headers: { [HEADER]: id } });
    if (response.ok) return response.json();
    if (response.status !== 404) throw new Error(await words(response));
  }
  opening ??= newSession().finally(() => { opening = null; });
  return opening;
}

/** Ask for something; an answer that is an error is thrown with the server's words. */
export async function ask(path, options = {}) {
  const headers = { ...options.headers, [HEADER]: sessionStorage.getItem(KEPT) ?? "" };
  const response = await fetch(address(path), { ...options, headers });
  if (!response.ok) throw new Error(await words(response));
  return response;
}

async function words(response) {
  try {
    return (await response.json()).error;
  } catch {
    return `the server answered ${response.status}`;
  }
}

/** Send a file. `onProgress` is called with the share that has been sent, 0 to 1. */
export async function upload(file, name, onProgress) {
  if (!sessionStorage.getItem(KEPT)) await session();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(`songs?name=${encodeURIComponent(name)}`));
    request.setRequestHeader(HEADER, sessionStorage.getItem(KEPT));
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 200) resolve(request.response);
      else reject(new Error(request.response?.error ?? `the server answered ${request.status}`));
    };
    request.onerror = () => reject(new Error("the server does not answer"));
    request.send(file);
  });
}

// A page that is loaded again asks for its session within seconds. Otherwise the server deletes its songs.
addEventListener("pagehide", () => {
  const id = sessionStorage.getItem(KEPT);
  if (id) navigator.sendBeacon(address("leave"), id);
});
