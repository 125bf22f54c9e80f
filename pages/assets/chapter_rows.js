// Chapters that are changed in their rows. Every word arrives as data and is written as text, never as HTML.
// What a person does goes into the outbox, and is shown at once; so is what the server answers.
const version = new URL(import.meta.url).search;
const [{ outbox, newKey }, { readWhole }] = await Promise.all([
  import(`./outbox.js${version}`),
  import(`./whole_number.js${version}`),
]);
const SLOW_MS = 8000; // from then on the row says that it is not saved yet
const QUIET_MS = 400; // a quicker answer needs no "Saving …"
const TWICE_MS = 250; // two presses closer than this are a double click
const FOLLOW_MS = 100; // several answers are one reason to run
const ARROWS_MS = 300; // the arrow keys pass through states nobody chose

export function show({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cp-rows");
  const list = (root.cpList ??= new List(root));
  list.run = () => setTriggerValue("saved", true);
  outbox.belongTo(data.person);
  outbox.lists.add(list);
  list.draw(data);
  return () => setTimeout(() => root.isConnected || outbox.forget(list), 0);
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

class List {
  constructor(root) {
    this.root = root;
    this.rows = new Map();
    this.selected = new Set();
    this.list = make("ul", { role: "list" });
    this.bar = new Bar(this);
    root.replaceChildren(this.bar.element, this.list);
  }

  draw(data) {
    this.data = data;
    set(this.list, "aria-label", data.words.list);
    const shown = new Set(data.rows.map((row) => row.id));
    const isOtherPage = this.rows.size > 0 && data.rows.length > 0 && !data.rows.some((row) => this.rows.has(row.id));
    for (const [id, row] of this.rows) {
      if (shown.has(id)) continue;
      row.leave();
      row.element.remove();
      this.rows.delete(id);
      this.selected.delete(id);
    }
    data.rows.forEach((values, index) => {
      const isNew = !this.rows.has(values.id);
      if (isNew) this.rows.set(values.id, new Row(this, values));
      const row = this.rows.get(values.id);
      row.draw(values);
      if (isNew) row.takeUpTyping();
      if (this.list.children[index] !== row.element) this.list.insertBefore(row.element, this.list.children[index] ?? null);
    });
    this.bar.draw();
    if (isOtherPage && this.root.getBoundingClientRect().top < 0) this.root.scrollIntoView({ block: "start" });
  }

  // Where the page shows more of a save than its row, it runs once the answers are in.
  follow() {
    clearTimeout(this.following);
    if (this.data.follows) this.following = setTimeout(() => this.root.isConnected && this.run(), FOLLOW_MS);
  }

  redraw() {
    if (this.data) this.draw(this.data);
  }

  leave() {
    for (const row of this.rows.values()) row.leave();
  }

  act(act) {
    for (const id of act.ids) if (this.rows.has(id)) this.rows.get(id).pressed = null;
    outbox.add({ key: newKey(), act: "change", ...act });
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
    const now = JSON.stringify(note ?? null);
    if (now === this.shown) return;
    const hadFocus = this.element.contains(document.activeElement);
    this.shown = now;
    this.element.replaceChildren(...(note ? this.parts(note) : []));
    set(this.element, "data-kind", note?.kind);
    if (hadFocus) (this.element.querySelector("button") ?? this.element).focus();
  }

  parts({ kind, text, choices = [], remark }) {
    const icons = {
      saved: "check_circle", undone: "undo", ask: "help", stale: "sync_problem", refused: "error", failed: "cloud_off",
      saving: "progress_activity", waiting: "cloud_off", twice: "check_circle",
    };
    const buttons = choices.map((choice, index) => {
      const button = make("button", { type: "button", class: kind === "ask" && index === 0 ? "cp-main" : null }, choice.label);
      button.addEventListener("click", () => (choice.act ? this.list.act(choice.act) : outbox.hurry()));
      return button;
    });
    const said = text ? make("span", { class: "cp-row-said" }, icon(icons[kind]), make("span", {}, text)) : null;
    const also = remark ? make("span", { class: "cp-row-said" }, icon("touch_double"), make("span", {}, remark)) : null;
    return [said, also, make("span", { class: "cp-row-choices" }, ...buttons)].filter(Boolean);
  }

  // "Saving …", or why it is not saved yet; null where nothing waits, or so shortly that it need not be said.
  waiting(acts) {
    if (!acts.length) return null;
    const { words } = this.list.data;
    const waited = Date.now() - Math.min(...acts.map((act) => act.at));
    const isLate = waited > SLOW_MS || outbox.trouble !== null;
    if (isLate) return { kind: "waiting", text: outbox.trouble || words.slow, choices: [{ label: words.again }] };
    return waited > QUIET_MS ? { kind: "saving", text: words.saving } : null;
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
    const parts = list.data.single ? [own] : [make("label", { class: "cp-pick" }, this.pick), this.name, this.exam, own];
    this.element = make("li", { class: list.data.single ? "cp-row cp-alone" : "cp-row" }, ...parts, this.note.element);
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
    this.chosen = null;
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
    this.solved = make("input", { type: "text", inputmode: "numeric", autocomplete: "off", enterkeyhint: "next" });
    this.solved.addEventListener("focus", () => this.solved.select());
    this.solved.addEventListener("input", () => this.keepTyping());
    this.solved.addEventListener("change", () => this.sendSolved());
    this.solved.addEventListener("keydown", (event) => this.key(event));
    this.of = make("span", { class: "cp-of" });
    this.adds = this.list.data.steps.map((step) => {
      const button = make("button", { type: "button" }, `+${step}`);
      button.addEventListener("click", (event) => this.add(event, step));
      button.addEventListener("keydown", (event) => event.repeat && event.preventDefault()); // a key that is held down
      return button;
    });
    return make("span", { class: "cp-solved" }, this.solved, this.of, make("span", { class: "cp-adds" }, ...this.adds));
  }

  key(event) {
    const step = { Enter: event.shiftKey ? -1 : 1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.dropTyping();
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = this.list.beside(this.id, step);
    if (next) next.solved.focus();
    else this.sendSolved();
  }

  // What is typed answers the number that stood there: news from another tab may change it meanwhile. Behind an act of
  // one's own the version is not known yet.
  keepTyping() {
    this.typedOn ??= { version: outbox.waiting(this.id).length ? null : this.values.version };
    outbox.keepTyped(this.id, { text: this.solved.value, ...this.typedOn });
    if (this.problem) {
      this.problem = null;
      this.list.redraw();
    }
  }

  dropTyping() {
    this.typedOn = undefined;
    this.problem = null;
    outbox.keepTyped(this.id, null);
    this.list.redraw();
  }

  // What was typed before a reload and is not saved: a text that is no number.
  takeUpTyping() {
    const typed = outbox.typed(this.id);
    if (!typed) return;
    this.solved.value = typed.text;
    this.typedOn = { version: typed.version };
    this.sendSolved();
  }

  sendSolved() {
    if (!this.typedOn) return;
    const text = this.solved.value.trim();
    const { value, problem } = readWhole(text);
    if (text === "" && outbox.notes.get(this.id)?.draft) outbox.note(this.id, null, [this.id]); // it is given up
    if (text === "" || String(value) === this.shownSolved) return this.dropTyping();
    const { words } = this.list.data;
    if (problem || value < 0 || !Number.isSafeInteger(value)) {
      this.problem = { kind: "refused", text: problem === "ambiguous" ? say(words.ambiguous, { typed: text }) : words.bad };
      this.list.redraw();
      return;
    }
    const { version } = this.typedOn;
    this.typedOn = undefined;
    this.problem = null;
    outbox.keepTyped(this.id, null);
    this.act({ questionSolved: value, version });
  }

  leave() {
    if (this.chosen) this.sendStatus();
    this.sendSolved();
  }

  // Each press counts. The second of a double click may be an unsteady finger: the row says that it was not counted,
  // and a third press right after it, or the button beside it, counts it after all.
  add(event, step) {
    const now = performance.now();
    const last = this.pressed?.step === step ? this.pressed : { at: -Infinity };
    const isHeld = !last.isHeld && event.detail === 2 && now - last.at < TWICE_MS;
    const counted = isHeld ? 0 : last.isHeld && event.detail > 2 ? 2 : 1;
    for (let press = 0; press < counted; press += 1) this.act({ questionsDelta: step });
    this.pressed = { step, at: now, isHeld };
    if (isHeld) this.list.redraw();
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
    this.drawFacts(values);
    this.values = outbox.shown(values);
    this.pick.checked = this.list.selected.has(this.id);
    const note = outbox.notes.get(this.id);
    const shown = { ...this.values, ...(note?.draft && drafted(note.draft)) };
    if (!this.chosen) {
      this.status.value = this.sentStatus = shown.status;
      this.paintStatus(shown.status);
    }
    this.shownSolved = String(shown.solved);
    if (!this.typedOn && this.solved.value !== this.shownSolved) this.solved.value = this.shownSolved;
    set(this.solved, "aria-invalid", this.problem ? "true" : null);
    this.weak.checked = shown.weak;
    this.drawNote(note);
  }

  drawNote(note) {
    const { words } = this.list.data;
    const drawn = this.problem ?? this.note.waiting(outbox.waiting(this.id)) ?? note;
    if (!this.pressed?.isHeld) return this.note.draw(drawn);
    const { step } = this.pressed;
    const again = { label: say(words.countBoth, { count: step }), act: { ids: [this.id], questionsDelta: step } };
    const choices = [again, ...(drawn?.choices ?? [])];
    this.note.draw({ ...drawn, kind: "twice", choices, remark: say(words.twice, { count: step }) });
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

// The controls as an act that is not saved would set them.
function drafted({ status, questionSolved, isWeakChapter }) {
  const entered = { status, solved: questionSolved, weak: isWeakChapter };
  return Object.fromEntries(Object.entries(entered).filter(([, value]) => value !== undefined));
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
    const { words, single, statuses, rows } = this.list.data;
    const note = this.note.waiting(outbox.acts.filter((act) => act.isBulk)) ?? outbox.notes.get("bulk");
    const count = this.list.selected.size;
    this.element.hidden = single || (!rows.length && !note);
    this.all.checked = count > 0 && count === this.list.rows.size;
    this.all.indeterminate = count > 0 && count < this.list.rows.size;
    set(this.all, "aria-label", words.all);
    this.word.textContent = count ? say(words.selected, { count }) : words.all;
    set(this.tools, "aria-label", words.bulk);
    if (!this.tools.childElementCount) this.fill(words, statuses);
    this.tools.hidden = !count;
    set(this.element, "data-on", count ? "true" : null);
    this.note.draw(note);
  }

  fill(words, statuses) {
    const button = (name, label, run) => {
      const element = make("button", { type: "button" }, icon(name), make("span", {}, label));
      element.addEventListener("click", (event) => event.detail < 2 && run()); // twice does no more than once
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
