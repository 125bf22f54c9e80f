// What a person does with their chapters, until the server has answered it. Acts wait in order, each under a key of its
// own by which it is done once. They are kept by the browser and sent by fetch, so that no change of page, reload,
// closed tab, lost network or restart of the server loses one.
const ADDRESS = "/acts/progress";
const MOST_ACTS = 20, MOST_SIGNS = 50000; // in a request: a browser that leaves a page sends at most 64 KiB
const ANSWER_MS = 20000; // then the answer is lost, and the acts are sent again
const AGAIN_MS = [500, 1000, 2000, 3000]; // between tries; the last goes on for ever
const LINE_MS = 4000; // what waits longer is said on every page
const ACT = "cp-act", NOTE = "cp-note", TYPED = "cp-typed";
const KEPT_KINDS = new Set(["ask", "stale", "refused", "failed"]); // notes on what is not saved

export const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const placeOf = (act) => (act.isBulk || act.ids.length !== 1 ? "bulk" : act.ids[0]);

class Outbox {
  constructor() {
    this.person = "";
    this.acts = []; // in the order in which they were done
    this.notes = new Map(); // place → note
    this.rows = new Map(); // chapter → its figures without what waits
    this.shownHere = new Set(); // saves whose rows were on the page when they were answered: no news to it
    this.lists = new Set(); // lists on the page, which are drawn anew when anything here changes
    this.trouble = null; // why the last try failed, in the server's words; "" where there was no answer
    this.tries = 0;
    this.dueAt = 0;
    addEventListener("pagehide", () => this.leave());
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    setInterval(() => this.tick(), 500);
  }

  // Acts belong to a person: they are shown to nobody else, and sent only while their person is signed in.
  belongTo(person) {
    if (!person || person === this.person) return;
    this.person = person;
    this.acts = stored(`${ACT}:${person}:`).sort((one, other) => one.at - other.at);
    this.notes = new Map(stored(`${NOTE}:${person}:`).map((note) => [note.place, note]));
    this.rows = new Map([...this.acts].reverse().flatMap((act) => act.before ?? []));
    this.hurry();
  }

  add(act) {
    if (act.act === "dismiss") return this.note(placeOf(act), null, act.ids);
    if (this.acts.some((other) => other.key === act.key)) return;
    const last = this.acts.at(-1)?.at ?? 0;
    const before = act.ids.map((id) => [id, this.rows.get(id)]).filter(([, row]) => row);
    const whole = { ...act, at: Math.max(Date.now(), last + 1), before };
    this.acts.push(whole);
    keep(`${ACT}:${this.person}:${act.key}`, whole);
    this.note(placeOf(act), null, act.ids);
    this.send();
  }

  // What one request takes: an act on many rows is long.
  first() {
    let signs = 0;
    const acts = this.acts.slice(0, MOST_ACTS);
    const end = acts.findIndex((act, index) => (signs += body("", [act]).length) > MOST_SIGNS && index > 0);
    return end < 0 ? acts : acts.slice(0, end);
  }

  // Acts of a tab that was closed meanwhile, or that cannot send them. What that tab sends as well is done once.
  adopt() {
    const known = new Set(this.acts.map((act) => act.key));
    const others = stored(`${ACT}:${this.person}:`).filter(({ key, at }) => !known.has(key) && Date.now() - at > LINE_MS);
    this.acts = [...this.acts, ...others].sort((one, other) => one.at - other.at);
  }

  waiting(id) {
    return this.acts.filter((act) => act.ids.includes(id));
  }

  // A row with all that waits for it done, as the server will do it. While something waits, it stands on what was known
  // before: a row that the page draws meanwhile may hold some of it already.
  shown(row) {
    const waiting = this.waiting(row.id);
    const said = this.rows.get(row.id);
    const known = said && (waiting.length || said.version > row.version) ? { ...row, ...said } : row;
    if (!waiting.length) this.rows.set(row.id, own(known));
    return waiting.reduce(done, known);
  }

  // What is typed in a row and no act yet; it outlives a reload of this tab.
  keepTyped(id, typed) {
    keep(`${TYPED}:${this.person}:${id}`, typed, () => sessionStorage);
  }

  typed(id) {
    return stored(`${TYPED}:${this.person}:${id}`, () => sessionStorage)[0];
  }

  // An answer to several rows takes the place of what stood at each of them.
  note(place, note, ids) {
    for (const each of new Set([place, ...ids])) {
      this.notes.delete(each);
      keep(`${NOTE}:${this.person}:${each}`, null);
    }
    if (note) this.notes.set(place, note);
    if (note && KEPT_KINDS.has(note.kind)) keep(`${NOTE}:${this.person}:${place}`, { ...note, place });
    this.changed();
  }

  changed() {
    for (const list of this.lists) if (list.root.isConnected) list.redraw();
  }

  hurry() {
    this.dueAt = 0;
    this.tries = 0;
    this.send();
  }

  async send() {
    if (this.isSending || !this.acts.length || Date.now() < this.dueAt) return;
    this.isSending = true;
    const { person } = this;
    try {
      const answer = await post(person, this.first(), AbortSignal.timeout(ANSWER_MS));
      const said = await answer.json();
      if (person !== this.person) return;
      if (answer.ok) this.take(said);
      else this.fail(said.message ?? "", Number(answer.headers.get("retry-after")));
    } catch {
      this.fail("");
    } finally {
      this.isSending = false;
      this.changed();
    }
    this.send();
  }

  take({ answers, rows }) {
    this.trouble = null;
    this.tries = 0;
    for (const [id, row] of Object.entries(rows)) this.rows.set(id, row);
    for (const { key, note, batchId, later, waitSeconds } of answers) {
      const act = this.acts.find((each) => each.key === key);
      if (later) this.fail(later, waitSeconds);
      if (later || !act) continue;
      const list = [...this.lists].find((each) => each.root.isConnected && act.ids.every((id) => each.rows.has(id)));
      if (list && batchId) this.shownHere.add(batchId);
      list?.follow();
      this.acts.splice(this.acts.indexOf(act), 1);
      keep(`${ACT}:${this.person}:${key}`, null);
      this.note(placeOf(act), note, act.ids);
    }
    if (!answers.length) this.fail("");
  }

  fail(words, seconds = 0) {
    this.trouble = words;
    const pause = Math.max(AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)], 1000 * (seconds || 0));
    this.dueAt = Date.now() + pause * (0.75 + Math.random() / 2); // a whole school does not come back at once
    this.tries += 1;
  }

  // Everything once more, in order: what is under way already is done once all the same.
  leave() {
    this.dueAt = Infinity; // one request for all of it
    for (const list of this.lists) list.leave();
    this.dueAt = 0;
    if (this.acts.length) post(this.person, this.first()).catch(() => {});
  }

  tick() {
    const mark = document.querySelector("[data-person]");
    if (mark) this.belongTo(mark.dataset.person);
    for (const list of this.lists) if (!list.root.isConnected) this.forget(list);
    if (this.person) this.adopt();
    if (this.acts.length) {
      this.send();
      this.changed();
    }
    this.say(mark?.dataset.waiting ?? "");
  }

  forget(list) {
    list.leave();
    this.lists.delete(list);
  }

  // Where no row shows it, a line at the foot of the page says that something waits.
  say(words) {
    const isLate = this.acts.length > 0 && Date.now() - this.acts[0].at > LINE_MS;
    this.line ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "cp-outbox" }));
    this.line.role = "status";
    const text = isLate && !this.lists.size ? words : "";
    if (this.line.textContent !== text) this.line.textContent = text;
  }
}

const body = (person, acts) => JSON.stringify({ person, acts: acts.map(({ at, before, ...act }) => act) });

function post(person, acts, signal) {
  const headers = { "Content-Type": "application/json" };
  return fetch(ADDRESS, { method: "POST", body: body(person, acts), headers, credentials: "same-origin", keepalive: true, signal });
}

const own = ({ status, solved, weak, version }) => ({ status, solved, weak, version });

function done(row, { act, status, questionSolved, questionsDelta = 0, isWeakChapter }) {
  if (act !== "change") return row;
  const solved = questionSolved ?? row.solved + questionsDelta;
  const begun = solved > 0 && row.status === "Not Started" ? "In Progress" : row.status;
  return { ...row, solved, status: status ?? begun, weak: isWeakChapter ?? row.weak };
}

// A browser that keeps nothing (full, or forbidden) still sends what it has in memory.
function keep(name, value, storage = () => localStorage) {
  try {
    if (value) storage().setItem(name, JSON.stringify(value));
    else storage().removeItem(name);
  } catch {}
}

function stored(start, storage = () => localStorage) {
  try {
    const names = Object.keys(storage()).filter((name) => name.startsWith(start));
    return names.map((name) => JSON.parse(storage().getItem(name)));
  } catch {
    return [];
  }
}

export const outbox = new Outbox();
