// What is seen of the uploads of one place: a field for files, and a line for each of them.

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];
const VIEWS = new WeakMap();

function sized(bytes) {
  let unit = 0;
  for (; bytes >= 1000 && unit < UNITS.length - 1; unit++) bytes /= 1000;
  return `${bytes.toFixed(unit > 1 ? 1 : 0)} ${UNITS[unit]}`;
}

function lasting(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function standing(task) {
  const { size } = task.file;
  if (task.state === "done" || task.state === "taken") return `${sized(size)}, arrived and checked`;
  const share = `${Math.floor(100 * task.share)} % of ${sized(size)}`;
  if (task.note) return `${share}. ${task.note}`;
  if (task.state === "queued") return `${sized(size)}, waits for the others`;
  if (task.state === "paused") return `${share}, paused`;
  if (!task.rate) return share;
  const left = (size - task.offset - task.loaded) / task.rate;
  return `${share}, ${(task.rate / 1e6).toFixed(1)} MB/s, ${lasting(left)} left`;
}

const element = (tag, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
};

function button(text, name, act) {
  const made = element("button", { type: "button", onclick: act }, text);
  made.setAttribute("aria-label", `${text} ${name}`);
  return made;
}

class View {
  constructor(root) {
    this.root = root;
    this.lines = new Map(); // task or key of a remembered one -> its line
    this.left = []; // what earlier visits have not finished
    const [drop, input] = [root.querySelector(".drop"), root.querySelector("input")];
    input.onchange = () => {
      this.take([...input.files]);
      input.value = ""; // so that the same file can be chosen again
    };
    drop.ondragover = (event) => {
      event.preventDefault();
      drop.classList.add("over");
    };
    drop.ondragleave = () => drop.classList.remove("over");
    drop.ondrop = (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.take([...event.dataTransfer.files]);
    };
  }

  get tasks() { return tab.tasks.filter((task) => task.place === this.data.place); }

  given(data, report) {
    const first = !this.data;
    Object.assign(this, { data, report });
    const input = this.root.querySelector("input");
    input.multiple = data.several;
    input.setAttribute("aria-label", data.label);
    this.root.querySelector(".label").textContent = data.label;
    this.root.querySelector(".hint").textContent = data.hint;
    this.root.querySelector(".ask").textContent = data.several
      ? "Drop a file here, or several, or choose them"
      : "Drop a file here, or choose one";
    if (first) {
      tab.tasks = tab.tasks.filter((task) => task.place !== data.place || task.state !== "taken");
      this.recall();
    }
    this.show();
  }

  async recall() {
    for (const one of remembered(this.data.who, this.data.place)) {
      if (this.tasks.some((task) => task.key === one.key)) continue;
      const answer = await ask({}, "HEAD", one.address).catch(() => null);
      if (answer?.status === 404) remember(one.key, null);
      if (answer?.status !== 200) continue;
      this.left.push({ ...one, offset: Number(answer.getResponseHeader("Upload-Offset")) });
      this.show();
    }
  }

  take(files) {
    if (!this.data.several && files.length) {
      this.tasks.filter((one) => one.state === "failed").forEach((one) => one.cancel());
    }
    for (const file of this.data.several ? files : files.slice(0, 1)) {
      const task = new Task(this.data.who, this.data.place, file);
      if (this.tasks.some((known) => known.key === task.key)) continue;
      tab.tasks.push(task);
      this.left = this.left.filter((one) => one.key !== task.key);
    }
    this.show();
    startNext();
  }

  show() {
    if (!this.data) return;
    const { tasks } = this;
    const busy = tasks.some((one) => one.state !== "failed") && !this.data.several;
    this.root.querySelector(".drop").hidden = busy || tasks.some((one) => one.state === "taken");
    const shown = new Set([...this.left.map((one) => one.key), ...tasks]);
    for (const [key, line] of this.lines) if (!shown.has(key)) this.drop(key, line);
    this.left.forEach((one) => this.line(one.key, one.name).remind(one));
    tasks.forEach((task) => this.line(task, task.file.name).follow(task));
    if (tasks.length && tasks.every((task) => task.state === "done")) {
      tasks.forEach((task) => task.set("taken"));
      this.hand(tasks);
    }
  }

  hand(arrived) {
    this.report("finished", arrived.map((one) => one.address.split("/").pop()));
    arrived.forEach((one) => remember(one.key, null));
  }

  line(key, name) {
    if (!this.lines.has(key)) {
      const line = new Line(name, this);
      this.lines.set(key, line);
      this.root.querySelector(".list").append(line.row);
    }
    return this.lines.get(key);
  }

  drop(key, line) {
    if (line.row.contains(this.root.activeElement)) this.root.querySelector("input").focus();
    line.row.remove();
    this.lines.delete(key);
  }

  say(text) { this.root.querySelector(".said").textContent = text; }

  close() { tab.views.delete(this); }
}

class Line {
  constructor(name, view) {
    Object.assign(this, { name, view, state: null });
    this.bar = element("progress", { max: 100, value: 0 });
    this.bar.setAttribute("aria-label", name);
    this.words = element("span", { className: "standing" });
    this.buttons = element("span", { className: "buttons" });
    const head = element("span", { className: "head" }, element("bdi", {}, name), this.buttons);
    this.row = element("li", {}, head, this.bar, this.words);
  }

  offer(state, ...buttons) {
    if (this.state === state) return;
    const at = [...this.buttons.children].indexOf(this.view.root.activeElement);
    this.state = state;
    this.buttons.replaceChildren(...buttons);
    if (at >= 0) this.buttons.children[Math.min(at, buttons.length - 1)]?.focus();
  }

  remind(one) {
    this.bar.value = (100 * one.offset) / one.size;
    const share = Math.floor(this.bar.value);
    const whole = one.offset === one.size;
    this.words.textContent = whole
      ? `${sized(one.size)} have arrived.`
      : `${share} % of ${sized(one.size)} have arrived. Choose the same file again to go on.`;
    const forget = () => { this.view.left = this.view.left.filter((other) => other !== one); };
    const use = button("Use it", this.name, () => { forget(); this.view.hand([one]); changed(); });
    const no = button("Discard", this.name, () => { forget(); discard(one); });
    this.offer("left", ...(whole ? [use, no] : [no]));
  }

  follow(task) {
    const old = this.state;
    this.bar.value = Math.floor(100 * task.share);
    this.words.textContent = standing(task);
    const cancel = button("Cancel", this.name, () => task.cancel());
    const go = (text) => button(text, this.name, () => task.run());
    const offered = {
      queued: () => [cancel],
      sending: () => [button("Pause", this.name, () => task.pause()), cancel],
      paused: () => [go("Continue"), cancel],
      failed: () => (task.file.size ? [go("Try again"), cancel] : [cancel]),
    }[task.state];
    this.row.classList.toggle("failed", task.state === "failed");
    this.offer(task.state, ...(offered?.() ?? []));
    const quarter = Math.floor(task.share * 4);
    if (old !== task.state || quarter !== this.quarter || (task.note && task.note !== this.note)) {
      this.view.say(`${this.name}: ${standing(task)}`);
    }
    Object.assign(this, { quarter, note: task.note });
  }
}

export default function ({ parentElement, data, setStateValue }) {
  if (!VIEWS.has(parentElement)) VIEWS.set(parentElement, new View(parentElement));
  const view = VIEWS.get(parentElement);
  // Of two calls that follow closely Streamlit ends the first after the second has begun.
  const call = (view.call = {});
  tab.views.add(view);
  view.given(data, setStateValue);
  return () => view.call === call && view.close();
}
