// Parts of a page that listen: one stream for each tab, whatever the number of parts. News of a room rerun only the
// parts that follow it, not too often, and never while nobody looks.
const { outbox } = await import(`./outbox.js${new URL(import.meta.url).search}`);
const FIRST_MS = 80; // several changes at once are one piece of news
const POLL_MS = 15000; // without a stream, or where other processes are not heard
const LEAST_MS = 700;
const RUN_MS = 5000; // how long news waits for a run of the page that is under way, which may show it already
const DRAW_MS = 250; // after the run, until the browser has drawn it

export function listen({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cp-live");
  root.cpPart ??= new Part(root);
  root.cpPart.send = () => setTriggerValue("news", true);
  root.cpPart.follow(data);
  return () => setTimeout(() => stream.tidy(), 0);
}

class Part {
  constructor(root) {
    this.root = root;
    this.firedAt = -Infinity;
    this.ranAt = -Infinity;
    this.waiting = new Set();
  }

  follow({ rooms, after, gate }) {
    this.gate = gate;
    this.rooms = rooms;
    this.after = after;
    stream.join(this);
  }

  // What was saved in rows on this page stands there by its answer. The gate only wants to know the end.
  news(batch = "") {
    if (this.gate) return;
    this.waiting.add(batch);
    this.plan();
  }

  plan() {
    if (!this.waiting.size || this.timer || document.hidden) return;
    const wait = Math.max(FIRST_MS, this.firedAt + stream.pace - performance.now());
    this.timer = setTimeout(() => this.fire(), wait);
  }

  fire(waited = 0) {
    this.timer = null;
    if (document.hidden || !this.root.isConnected) return;
    if (isRunning()) this.ranAt = performance.now();
    if (waited < RUN_MS && performance.now() - this.ranAt < DRAW_MS) {
      this.timer = setTimeout(() => this.fire(waited + FIRST_MS), FIRST_MS);
      return;
    }
    const isNews = [...this.waiting].some((batch) => !outbox.shownHere.has(batch));
    this.waiting.clear();
    if (!isNews) return;
    this.firedAt = performance.now();
    this.send();
  }
}

class Stream {
  constructor() {
    this.parts = new Set();
    this.pace = LEAST_MS;
    this.address = "/api/v1/events";
    this.open = "";
    this.isLive = false;
    this.last = "";
    document.addEventListener("visibilitychange", () => this.look());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", () => this.look());
    setInterval(() => this.poll(), POLL_MS);
  }

  join(part) {
    this.parts.add(part);
    this.look();
  }

  tidy() {
    for (const part of this.parts) if (!part.root.isConnected) this.parts.delete(part);
    this.look();
  }

  // Open, close or change the stream, as the parts in sight need it. Parts come and go together: look once.
  look() {
    clearTimeout(this.looking);
    this.looking = setTimeout(() => {
      for (const part of this.parts) if (!part.root.isConnected) this.parts.delete(part);
      const rooms = [...new Set([...this.parts].flatMap((part) => part.rooms))].sort().join(",");
      if (document.hidden || !rooms) return this.close();
      if (!this.source || rooms !== this.open) this.connect(rooms);
      for (const part of this.parts) part.plan();
    }, 20);
  }

  connect(rooms) {
    const isSame = rooms === this.open && this.last;
    this.close();
    this.open = rooms;
    const after = isSame ? this.last : earliest([...this.parts].filter((part) => !part.gate).map((part) => part.after));
    const query = new URLSearchParams({ rooms, ...(after ? { after } : {}) });
    const source = new EventSource(`${this.address}?${query}`);
    this.source = source;
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        if (this.source === source) act(JSON.parse(event.data), event.lastEventId);
      });
    on("connected", (state) => this.settle(state));
    on("state", (state) => this.settle(state));
    on("changed", ({ rooms: told }, id) => {
      if (id) this.last = id;
      for (const part of this.parts) {
        const heard = part.rooms.filter((room) => room in told);
        if (heard.length) part.news(told[heard[0]].batchId);
      }
    });
    on("missed", () => this.everybody());
    on("ended", () => {
      this.lose(source);
      this.everybody(); // the page finds out for itself, and says so
      this.openGate();
    });
    source.addEventListener("error", () => {
      this.isLive = false;
      if (this.source !== source || source.readyState !== EventSource.CLOSED) return;
      this.lose(source);
      fetch("/api/v1/auth/me").then((answer) => answer.status === 401 && this.openGate(), () => {});
    });
  }

  // The session is over: the whole page runs anew, which leads to the sign-in form.
  openGate() {
    for (const part of this.parts) if (part.gate && part.root.isConnected) part.send();
  }

  settle({ paceMs, isLive }) {
    this.pace = paceMs;
    this.isLive = isLive;
  }

  // Refused or ended: it stays closed until the next look in a while.
  lose(source) {
    source.close();
    this.isLive = false;
    clearTimeout(this.again);
    this.again = setTimeout(() => {
      if (this.source !== source) return;
      this.source = null;
      this.look();
    }, POLL_MS);
  }

  close() {
    this.source?.close();
    this.source = null;
    this.isLive = false;
  }

  poll() {
    if (!document.hidden && !this.isLive) this.everybody();
  }

  everybody() {
    for (const part of this.parts) part.news();
  }
}

// Whether the server is working for this page, after a click for example, or another page is on its way.
function isRunning() {
  const state = document.querySelector("[data-test-script-state]")?.dataset.testScriptState;
  return "leaving" in document.documentElement.dataset || state === "running" || state === "rerunRequested";
}

function earliest(ids) {
  const number = (id) => id.split("-").map(Number);
  const isBefore = ([a, b], [c, d]) => a < c || (a === c && b < d);
  return ids.filter(Boolean).reduce((best, id) => (!best || isBefore(number(id), number(best)) ? id : best), "");
}

const stream = new Stream();

// Links within HTML parts lead on without loading the app anew, as Streamlit's own do; with a modifier, and without
// this script, they are plain links.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.cp-go");
  if (!link || event.defaultPrevented || event.button) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState({}, "", link.href);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
});
