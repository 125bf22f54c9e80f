// Chapters that are changed in their rows. Every word arrives as data and is written as text, never as HTML.
// What a person does goes out as acts, each with a key of its own, and stays pending until the server answers it.
const { readWhole } = await import(`./whole_number.js${new URL(import.meta.url).search}`); // of the same version
const SLOW_MS = 8000; // from then on the row says that it is not saved yet
const QUIET_MS = 400; // a quicker answer needs no "Saving …"
const TWICE_MS = 350; // two presses closer than this are one double click
const ARROWS_MS = 300; // the arrow keys pass through states nobody chose

export function show({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".cp-rows");
  root.cpList ??= new List(root);
  root.cpList.send = (acts) => setStateValue("acts", acts);
  root.cpList.draw(data);
}

// A press changes the address and the page runs, without loading the whole app anew.
function linkTo(id, ...content) {
  const link = make("a", { href: `chapter?id=${encodeURIComponent(id)}` }, ...content);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    history.pushState({}, "", link.href);
    dispatchEvent(new PopStateEvent("popstate", { state: {} }));
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  });
  return link;
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

const icon = (name) => make("span", { class: "cp-icon", "aria-hidden": "true", translate: "no" }, name);
const say = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
const tag = (act) => `${act.key}#${act.attempt ?? 0}`;
const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

class List {
  constructor(root) {
    this.root = root;
    this.pending = [];
    this.rows = new Map();
    this.selected = new Set();
    this.list = make("ul", { role: "list" });
    this.bar = new Bar(this);
    root.replaceChildren(this.bar.element, this.list);
    setInterval(() => root.isConnected && this.pending.length && this.wait(), 200);
  }

  draw(data) {
    this.data = data;
    const done = new Set(data.done);
    this.pending = this.pending.filter((act) => !done.has(tag(act)));
    set(this.list, "aria-label", data.words.list);
    const shown = new Set(data.rows.map((row) => row.id));
    const isOtherPage = this.rows.size > 0 && data.rows.length > 0 && !data.rows.some((row) => this.rows.has(row.id));
    for (const [id, row] of this.rows) {
      if (shown.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
      this.selected.delete(id);
    }
    data.rows.forEach((values, index) => {
      if (!this.rows.has(values.id)) this.rows.set(values.id, new Row(this, values));
      const row = this.rows.get(values.id);
      row.draw(values);
      if (this.list.children[index] !== row.element) this.list.insertBefore(row.element, this.list.children[index] ?? null);
    });
    this.bar.draw();
    if (isOtherPage && this.root.getBoundingClientRect().top < 0) this.root.scrollIntoView({ block: "start" });
  }

  act(act) {
    const whole = { key: newKey(), act: "change", attempt: 0, at: Date.now(), ...act };
    if (this.pending.some((other) => tag(other) === tag(whole))) return;
    this.pending.push(whole);
    this.send(this.pending.map(({ at, ...rest }) => rest));
    this.wait();
  }

  repeat() {
    this.pending = this.pending.map((act) => ({ ...act, attempt: (act.attempt ?? 0) + 1, at: Date.now() }));
    this.send(this.pending.map(({ at, ...rest }) => rest));
    this.wait();
  }

  waiting(id) {
    return this.pending.filter((act) => act.ids.includes(id));
  }

  wait() {
    for (const row of this.rows.values()) row.note.wait(this.waiting(row.id));
    this.bar.note.wait(this.pending.filter((act) => act.isBulk));
  }

  beside(id, step) {
    const order = this.data.rows.map((row) => row.id);
    return this.rows.get(order[order.indexOf(id) + step]);
  }
}

// What stands beside a row: saved with Undo, a question, a refusal; "Saving …" while the answer is under way.
class Note {
  constructor(list) {
    this.list = list;
    this.element = make("div", { class: "cp-row-note", role: "status", tabindex: "-1" });
    this.shown = "null";
  }

  draw(note) {
    this.note = note;
    const now = JSON.stringify(note);
    if (now === this.shown) return;
    const hadFocus = this.element.contains(document.activeElement);
    this.shown = now;
    this.element.replaceChildren(...(note ? this.parts(note) : []));
    set(this.element, "data-kind", note?.kind);
    if (hadFocus) (this.element.querySelector("button") ?? this.element).focus();
  }

  parts(note) {
    const icons = { saved: "check_circle", undone: "undo", ask: "help", stale: "sync_problem", refused: "error", failed: "cloud_off" };
    const buttons = (note.choices ?? []).map((choice, index) => {
      const button = make("button", { type: "button", class: note.kind === "ask" && index === 0 ? "cp-main" : null }, choice.label);
      button.addEventListener("click", () => this.list.act(choice.act));
      return button;
    });
    return [make("span", { class: "cp-row-said" }, icon(icons[note.kind]), make("span", {}, note.text)), make("span", { class: "cp-row-choices" }, ...buttons)];
  }

  wait(acts) {
    const words = this.list.data.words;
    const oldest = Math.min(...acts.map((act) => act.at));
    const waited = acts.length ? Date.now() - oldest : 0;
    if (waited > SLOW_MS) {
      const again = make("button", { type: "button" }, words.again);
      again.addEventListener("click", () => this.list.repeat());
      if (this.shown !== "slow") this.element.replaceChildren(make("span", { class: "cp-row-said" }, icon("cloud_off"), words.slow), again);
      this.shown = "slow";
      set(this.element, "data-kind", "failed");
    } else if (waited > QUIET_MS && this.shown !== "saving") {
      this.element.replaceChildren(make("span", { class: "cp-row-said" }, icon("progress_activity"), words.saving));
      this.shown = "saving";
      set(this.element, "data-kind", "saving");
    }
  }

  problem(text) {
    this.shown = "problem";
    this.element.replaceChildren(make("span", { class: "cp-row-said" }, icon("error"), text));
    set(this.element, "data-kind", "refused");
  }
}

class Row {
  constructor(list, values) {
    this.list = list;
    this.id = values.id;
    this.note = new Note(list);
    this.name = make("div", { class: "cp-row-name" });
    this.exam = make("div", { class: "cp-row-exam" });
    this.pick = make("input", { type: "checkbox", "data-place": "pick" });
    this.pick.addEventListener("change", () => {
      this.list.selected[this.pick.checked ? "add" : "delete"](this.id);
      this.list.bar.draw();
    });
    const own = make("div", { class: "cp-row-own" }, this.statusPart(), this.weakPart(), this.solvedPart());
    const parts = list.data.alone ? [own] : [make("label", { class: "cp-pick" }, this.pick), this.name, this.exam, own];
    this.element = make("li", { class: list.data.alone ? "cp-row cp-alone" : "cp-row" }, ...parts, this.note.element);
  }

  statusPart() {
    this.status = make("select", {}, ...this.list.data.statuses.map(({ value, word }) => make("option", { value }, word)));
    this.statusIcon = icon("");
    this.status.addEventListener("change", () => {
      this.paintStatus(this.status.value);
      clearTimeout(this.chosen);
      this.chosen = setTimeout(() => this.sendStatus(), ARROWS_MS);
    });
    this.status.addEventListener("blur", () => this.sendStatus());
    this.statusBox = make("span", { class: "cp-status" }, this.statusIcon, this.status, icon("expand_more"));
    return this.statusBox;
  }

  sendStatus() {
    clearTimeout(this.chosen);
    if (this.status.value === this.sentStatus) return;
    this.sentStatus = this.status.value;
    this.act({ status: this.status.value });
  }

  paintStatus(value) {
    const look = this.list.data.statuses.find((one) => one.value === value);
    this.statusIcon.textContent = look.icon;
    set(this.statusBox, "class", `cp-status cp-tone-${look.tone}`);
  }

  solvedPart() {
    this.solved = make("input", { type: "text", inputmode: "numeric", autocomplete: "off", maxlength: "31", enterkeyhint: "next" });
    this.solved.addEventListener("focus", () => this.solved.select());
    this.solved.addEventListener("input", () => this.noteTyping());
    this.solved.addEventListener("change", () => this.sendSolved());
    this.solved.addEventListener("keydown", (event) => this.key(event));
    this.of = make("span", { class: "cp-of" });
    this.adds = this.list.data.steps.map((step) => {
      const button = make("button", { type: "button" }, `+${step}`);
      button.addEventListener("click", (event) => this.add(event, step));
      return button;
    });
    return make("span", { class: "cp-solved" }, this.solved, this.of, make("span", { class: "cp-adds" }, ...this.adds));
  }

  key(event) {
    const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      this.solved.value = this.values.solved;
      this.typedOn = undefined;
    }
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = this.list.beside(this.id, step);
    if (next) next.solved.focus();
    else this.sendSolved();
  }

  // What she types answers the number she saw: news from another tab may change what stands behind it meanwhile.
  // Behind an act of one's own the version is not known yet.
  noteTyping() {
    if (this.typedOn === undefined) this.typedOn = this.list.waiting(this.id).length ? null : this.values.version;
  }

  sendSolved() {
    const written = this.solved.value.trim();
    const { value, problem } = readWhole(written);
    const typed = problem ? written : String(value);
    if (written === "") this.solved.value = this.values.solved;
    if (written === "" || typed === this.sentSolved) return;
    if (problem || value < 0) {
      const words = this.list.data.words;
      this.note.problem(problem === "ambiguous" ? say(words.ambiguous, { typed: written }) : words.bad);
      set(this.solved, "aria-invalid", "true");
      return;
    }
    this.sentSolved = typed;
    set(this.solved, "aria-invalid", null);
    this.noteTyping();
    this.act({ questionSolved: value, version: this.typedOn });
    this.typedOn = undefined;
  }

  // The key of +1 is made when the row is drawn: pressed twice before the answer, it is the same act.
  // A quick server answers within a double click; then the time between the presses tells.
  add(event, step) {
    const isTwice = event.detail > 1 && Date.now() - (this.pressed ?? 0) < TWICE_MS;
    if (isTwice) return;
    this.pressed = Date.now();
    this.act({ key: `${this.drawn}-${step}`, questionsDelta: step });
  }

  weakPart() {
    const words = this.list.data.words;
    this.weak = make("input", { type: "checkbox" });
    this.weak.addEventListener("change", () => this.act({ isWeakChapter: this.weak.checked }));
    return make("label", { class: "cp-weak" }, this.weak, icon(words.weakIcon), make("span", {}, words.weak));
  }

  act(act) {
    this.list.act({ ids: [this.id], ...act });
  }

  draw(values) {
    const waits = this.list.waiting(this.id).length > 0;
    if (!waits) this.drawn = newKey();
    this.drawFacts(values);
    this.values = values;
    this.pick.checked = this.list.selected.has(this.id);
    if (waits) return;
    const draft = values.note?.draft;
    this.status.value = draft?.status ?? values.status;
    this.sentStatus = this.status.value;
    this.paintStatus(this.status.value);
    const solved = String(draft?.questionSolved ?? values.solved);
    const isTyping = document.activeElement === this.solved && this.sentSolved !== undefined && this.solved.value !== this.sentSolved;
    if (!isTyping) {
      this.solved.value = solved;
      this.typedOn = undefined;
    }
    this.sentSolved = solved;
    this.weak.checked = draft?.isWeakChapter ?? values.weak;
    this.note.draw(values.note);
  }

  drawFacts(values) {
    const facts = JSON.stringify([values.name, values.about, values.exam, values.years, values.trend, values.asked]);
    if (facts === this.facts) return;
    this.facts = facts;
    const words = this.list.data.words;
    this.name.replaceChildren(linkTo(values.id, values.name), make("span", {}, values.about));
    this.exam.replaceChildren(this.strip(values, words.years), this.examLine(values));
    this.of.textContent = say(words.of, { count: values.asked });
    set(this.pick, "aria-label", say(words.select, values));
    set(this.status, "aria-label", say(words.status, values));
    set(this.solved, "aria-label", say(words.solved, values));
    set(this.weak, "aria-label", say(words.weakOf, values));
    this.adds.forEach((button, index) => {
      set(button, "aria-label", `+${this.list.data.steps[index]}: ${say(words.add, { ...values, count: this.list.data.steps[index] })}`);
    });
  }

  examLine({ exam, trend: [name, word] }) {
    return make("span", { class: "cp-row-sums" }, exam, word ? make("span", { class: "cp-trend" }, icon(name), word) : null);
  }

  strip({ years }, label) {
    const top = Math.max(1, ...years.map(([, count]) => count));
    const bars = years.map(([year, count]) =>
      make("div", { style: `--cp-share:${(count / top).toFixed(3)}` }, make("dt", { title: year }, `’${year.slice(-2)}`), make("dd", {}, count)),
    );
    return make("dl", { class: "cp-strip", "aria-label": label }, ...bars);
  }
}

// Acts on the selected rows, over the list.
class Bar {
  constructor(list) {
    this.list = list;
    this.note = new Note(list);
    this.all = make("input", { type: "checkbox" });
    this.all.addEventListener("change", () => {
      for (const id of list.rows.keys()) list.selected[this.all.checked ? "add" : "delete"](id);
      for (const row of list.rows.values()) row.pick.checked = this.all.checked;
      this.draw();
    });
    this.word = make("span");
    this.tools = make("div", { class: "cp-bulk-tools", role: "group" });
    this.element = make("div", { class: "cp-bulk" }, make("label", { class: "cp-pick" }, this.all, this.word), this.tools, this.note.element);
  }

  draw() {
    const { words, alone, statuses, note, rows } = this.list.data;
    const count = this.list.selected.size;
    this.element.hidden = alone || (!rows.length && !note);
    this.all.checked = count > 0 && count === this.list.rows.size;
    this.all.indeterminate = count > 0 && count < this.list.rows.size;
    set(this.all, "aria-label", words.all);
    this.word.textContent = count ? say(words.selected, { count }) : words.all;
    set(this.tools, "aria-label", words.bulk);
    if (!this.tools.childElementCount) this.fill(words, statuses);
    this.tools.hidden = !count;
    set(this.element, "data-on", count ? "true" : null);
    if (!this.list.pending.some((act) => act.isBulk)) this.note.draw(note);
  }

  fill(words, statuses) {
    const button = (name, label, run) => {
      const element = make("button", { type: "button" }, icon(name), make("span", {}, label));
      element.addEventListener("click", run);
      return element;
    };
    const many = (change) => () => this.list.act({ ids: [...this.list.selected], isBulk: true, ...change });
    this.tools.replaceChildren(
      ...statuses.map(({ value, word, icon: name }) => button(name, word, many({ status: value }))),
      button(words.weakIcon, words.markWeak, many({ isWeakChapter: true })),
      button("do_not_disturb_on", words.unmarkWeak, many({ isWeakChapter: false })),
      button("close", words.clear, () => {
        this.list.selected.clear();
        for (const row of this.list.rows.values()) row.pick.checked = false;
        this.draw();
        this.all.focus();
      }),
    );
  }
}
