// Uploads of files to this server by tus 1.0, with pause, retries and a memory that outlives the page.
// The uploads belong to the browser tab, not to the place where they are shown: another page of the
// studio may be looked at while they go on.

const ROOT = "/api/uploads";
const CHUNK = 8 * 2 ** 20; // bytes of one request, and of one checksum
const WAITS = [1, 2, 4, 8, 16, 30]; // seconds before the next try
const PATIENCE = 120_000; // milliseconds without any news after which a request is given up
const WINDOW = 5_000; // milliseconds over which the speed is measured
const AT_ONCE = 2; // files; the server takes only so many unfinished ones
const MEMORY = "graft-upload:";
const DAMAGED = 460;

const tab = (globalThis.graftUploads ??= { tasks: [], views: new Set() });
const changed = () => tab.views.forEach((view) => view.show());
if (!tab.listens) {
  tab.listens = true;
  window.addEventListener("online", () => tab.tasks.forEach((task) => task.wake?.()));
}

class Problem extends Error {
  constructor(message, final) {
    super(message);
    this.final = final;
  }
}

// ------------------------------------------------------------------ what is remembered

const keyOf = (who, place, file) =>
  MEMORY + JSON.stringify([who, place, file.name, file.size, file.lastModified]);

function remember(key, value) {
  try {
    value ? localStorage.setItem(key, JSON.stringify(value)) : localStorage.removeItem(key);
  } catch {
    // a browser that keeps nothing: uploads still work, but not over a refresh
  }
}

function remembered(who, place) {
  const found = [];
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(MEMORY)) continue;
      const [owner, where, name, size] = JSON.parse(key.slice(MEMORY.length));
      if (owner === who && where === place) {
        found.push({ key, name, size, ...JSON.parse(localStorage.getItem(key)) });
      }
    }
  } catch {
    // as above
  }
  return found;
}

// ------------------------------------------------------------------ checksums

const CONSTANTS = Array.from({ length: 64 });
const FIRST = Array.from({ length: 8 });
for (let n = 2, count = 0; count < 64; n++) {
  if (Array.from({ length: n - 2 }, (_, i) => i + 2).some((d) => n % d === 0)) continue;
  const bits = (root) => ((root % 1) * 2 ** 32) | 0;
  if (count < 8) FIRST[count] = bits(n ** (1 / 2));
  CONSTANTS[count++] = bits(n ** (1 / 3));
}

// SHA-256 where the browser lends none, which is so on a server without https.
export function sha256(bytes) {
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const words = new DataView(padded.buffer);
  words.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  words.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  const state = Int32Array.from(FIRST), w = new Int32Array(64), k = Int32Array.from(CONSTANTS);
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = words.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = state[0], b = state[1], c = state[2], d = state[3];
    let e = state[4], f = state[5], g = state[6], h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    state[0] += a; state[1] += b; state[2] += c; state[3] += d;
    state[4] += e; state[5] += f; state[6] += g; state[7] += h;
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((value, i) => digest.setInt32(4 * i, value));
  return new Uint8Array(digest.buffer);
}

async function checksum(buffer) {
  const digest = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest("SHA-256", buffer))
    : sha256(new Uint8Array(buffer));
  return btoa(String.fromCharCode(...digest));
}

// ------------------------------------------------------------------ one upload

const inBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

function ask(task, method, address, headers = {}, body = null) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let quiet;
    const heard = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => request.abort(), PATIENCE);
    };
    request.open(method, address);
    Object.entries({ "Tus-Resumable": "1.0.0", ...headers }).forEach(([name, value]) =>
      request.setRequestHeader(name, value));
    request.upload.onprogress = (event) => {
      heard();
      task.moved?.(event.loaded);
    };
    request.onloadend = () => {
      clearTimeout(quiet);
      request.status ? resolve(request) : reject(new Problem("The connection was lost."));
    };
    task.request = request;
    heard();
    request.send(body);
  });
}

function words(request) {
  try {
    const { what, why, try_this: next } = JSON.parse(request.responseText).error;
    return [what, why, next].filter(Boolean).join(" ");
  } catch {
    return `The server answered ${request.status}.`;
  }
}

class Task {
  constructor(who, place, file) {
    Object.assign(this, { place, file, offset: 0, loaded: 0, state: "queued", note: "" });
    this.key = keyOf(who, place, file);
    this.address = remembered(who, place).find((one) => one.key === this.key)?.address ?? "";
    this.sure = false; // whether the server has said how far it is
    this.seen = [];
    this.damaged = 0;
  }

  get share() { return (this.offset + this.loaded) / (this.file.size || 1); }

  get rate() {
    const [first, last] = [this.seen[0], this.seen.at(-1)];
    return this.seen.length > 1 && last[0] > first[0]
      ? (1000 * (last[1] - first[1])) / (last[0] - first[0])
      : 0;
  }

  moved(loaded) {
    const now = performance.now();
    this.loaded = loaded;
    this.seen.push([now, this.offset + loaded]);
    while (now - this.seen[0][0] > WINDOW) this.seen.shift();
    changed();
  }

  set(state, note = "") {
    Object.assign(this, { state, note, loaded: 0, seen: [] });
    changed();
    startNext();
  }

  async run() {
    const turn = (this.turn = {}); // who pauses and goes on at once has begun another one
    const goes = () => this.state === "sending" && this.turn === turn;
    this.set("sending");
    this.sure = false;
    for (let fails = 0; goes(); ) {
      try {
        await this.step(goes);
        fails = 0;
      } catch (problem) {
        if (!goes()) return;
        if (!(problem instanceof Problem) || problem.final) {
          this.set("failed", problem.message);
          return;
        }
        this.sure = false;
        await this.rest(problem.message, WAITS[Math.min(fails++, WAITS.length - 1)]);
      }
    }
  }

  async rest(message, seconds) {
    this.set("sending", `${message} Trying again in ${seconds} s.`);
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, 1000 * seconds);
    });
    this.wake = null;
    if (this.state === "sending") this.set("sending");
  }

  async step(goes) {
    if (!this.address) await this.begin();
    else if (!this.sure) await this.look();
    else await this.send(goes);
    if (goes() && this.sure && this.offset === this.file.size) this.set("done");
  }

  async begin() {
    const about = `filename ${inBase64(this.file.name)}`;
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": about };
    const answer = await ask(this, "POST", ROOT, headers);
    if (answer.status !== 201) throw new Problem(words(answer), answer.status < 500);
    this.address = answer.getResponseHeader("Location");
    this.stands(0);
  }

  async look() {
    const answer = await ask(this, "HEAD", this.address);
    if (answer.status === 404 || answer.status === 410) {
      this.address = ""; // expired or cancelled: from the beginning
      remember(this.key, null);
    } else if (answer.status === 200) {
      this.stands(Number(answer.getResponseHeader("Upload-Offset")));
    } else {
      throw new Problem(words(answer), answer.status < 500);
    }
  }

  async send(goes) {
    let part;
    try {
      part = await this.file.slice(this.offset, this.offset + CHUNK).arrayBuffer();
    } catch {
      throw new Problem("The file cannot be read any more. Choose it again.", true);
    }
    const headers = {
      "Content-Type": "application/offset+octet-stream",
      "Upload-Offset": String(this.offset),
      "Upload-Checksum": `sha256 ${await checksum(part)}`,
    };
    if (!goes()) return;
    const answer = await ask(this, "PATCH", this.address, headers, part);
    if (answer.status === 204) {
      this.damaged = 0;
      this.stands(Number(answer.getResponseHeader("Upload-Offset")));
      return;
    }
    this.damaged += answer.status === DAMAGED;
    const again = [404, 408, 409, 423, 429, DAMAGED].includes(answer.status) && this.damaged < 3;
    throw new Problem(words(answer), !again && (answer.status < 500 || answer.status === 507));
  }

  stands(offset) {
    Object.assign(this, { offset, loaded: 0, sure: true });
    remember(this.key, { address: this.address, offset });
    changed();
  }

  pause() {
    this.set("paused");
    this.request?.abort();
    this.wake?.();
  }

  cancel() {
    this.set("gone");
    this.request?.abort();
    this.wake?.();
    tab.tasks = tab.tasks.filter((task) => task !== this);
    discard(this);
  }
}

function discard(one) {
  remember(one.key, null);
  if (one.address) ask({}, "DELETE", one.address).catch(() => {}); // else it expires
  changed();
}

function startNext() {
  const those = (state) => tab.tasks.filter((task) => task.state === state);
  if (those("sending").length < AT_ONCE) those("queued")[0]?.run();
}
