// A change of page waits for the answer to what was pressed before it. Streamlit's server drops a press whose run has not
// begun or not ended when the page changes; so links and the browser's Back are held until that run is over. A message of
// the old page that follows the change empties the new one; so the old page takes no press until the new one comes, and its
// parts that refresh themselves are not heard.
const PRESS_MS = 400; // what goes to the server so soon after a press goes because of it
const SETTLED_MS = 150; // a run that ended may be followed by another at once
const OTHER_RUN_MS = 700; // the run that was under way at the press ended; its own begins by then
const BEGIN_MS = 6000; // not every message is followed by a run
const LONGEST_MS = 15000; // a server that does not answer holds nobody
const LOOK_MS = 40, SAY_MS = 700;
const STILL_MS = 8000; // where no page comes, the old one takes presses again
const PAGE = '[data-testid="stMain"], [role="dialog"]';
const RUNNING = new Set(["running", "rerunRequested"]);

let pressedAt = -Infinity; // the last thing a person did
let askedAt = -Infinity; // when it went to the server; -Infinity once it is answered
let hasRun = false;
let isPassing = false;
let settling, going, heldAt, line;
let old = null; // the page that is left: its heading and run, since when it is still, what happened since

const state = () => document.querySelector("[data-test-script-state]")?.dataset.testScriptState;
const title = () => document.querySelector('[data-testid="stMain"] h1')?.textContent;
const runOfPage = () => document.querySelector("[data-run]")?.dataset.run; // none where a guest looks
const plain = (event) => !event.button && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

// Whether something that was pressed is not answered yet.
const isBusy = () => performance.now() - askedAt < (hasRun === false ? BEGIN_MS : LONGEST_MS);

for (const kind of ["pointerdown", "click", "keydown", "change", "focusout"]) {
  addEventListener(kind, () => { if (!isPassing) pressedAt = performance.now(); }, true);
}

const { send } = WebSocket.prototype;
WebSocket.prototype.send = function sendNoted(...data) {
  const isPressed = performance.now() - pressedAt < PRESS_MS;
  if (old?.askedOn === this && !isPressed) return undefined;
  if (old?.isLeft) old.askedOn = this;
  if (isPressed) {
    askedAt = performance.now();
    hasRun = RUNNING.has(state()) ? null : false; // null: a run of something else is under way
    clearTimeout(settling);
    dispatchEvent(new Event("cp-asked"));
  }
  return send.apply(this, data);
};

new MutationObserver(() => {
  clearTimeout(settling);
  if (old && RUNNING.has(state())) old.hasRun = true;
  if (RUNNING.has(state())) hasRun = hasRun === null ? null : true;
  else if (hasRun !== false) settling = setTimeout(answered, hasRun ? SETTLED_MS : OTHER_RUN_MS);
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-test-script-state"] });

function answered() {
  askedAt = -Infinity;
  dispatchEvent(new Event("cp-answered"));
}

addEventListener("click", (event) => {
  if (event.target.closest?.('[data-testid="stDownloadButton"]')) pressedAt = -Infinity; // a file, and no run
  const link = event.target.closest?.("a[href]");
  if (!link || isPassing || !plain(event) || !leadsToPage(link)) return;
  if (!isBusy()) return leave();
  event.preventDefault();
  event.stopImmediatePropagation();
  hold(() => (link.isConnected ? link.click() : location.assign(link.href)));
}, true);

addEventListener("popstate", (event) => {
  if (isPassing || !isBusy()) return leave();
  event.stopImmediatePropagation();
  hold(() => dispatchEvent(new PopStateEvent("popstate", { state: event.state })));
}, true);

function leadsToPage(link) {
  const isHere = link.pathname === location.pathname && link.search === location.search;
  const isFile = /^\/(api|assets|app)\//.test(link.pathname) || link.hasAttribute("download");
  return link.origin === location.origin && !link.target && !isFile && !(isHere && link.hash);
}

// What goes to the server now is the change of page itself, for which no other waits.
function leave() {
  pressedAt = -Infinity;
  still();
  old.isLeft = true;
}

// The old page stands there, but nothing on it can be pressed: what is pressed now would be lost.
function still() {
  dispatchEvent(new Event("cp-leaving"));
  document.documentElement.dataset.leaving = "";
  for (const part of document.querySelectorAll(PAGE)) part.inert = part.ariaBusy = true;
  old = { title: title(), run: runOfPage(), since: performance.now() };
  clearTimeout(goOn.timer);
  goOn.timer = setTimeout(goOn, LOOK_MS);
}

// The page of the address; where a guest looks, no page says which it is.
const isThere = () => (document.querySelector("[data-run]")?.dataset.page ?? address()) === address();
const address = () => location.pathname.replaceAll("/", "");

// The new page has come: another heading stands there, or the run for it is over. A link may follow another at once.
function goOn() {
  const waited = performance.now() - old.since;
  const isOver = !RUNNING.has(state()) && (old.run ? runOfPage() !== old.run : old.hasRun);
  const hasCome = !going && isThere() && (isOver || title() !== old.title);
  if (hasCome || waited > STILL_MS + (going ? LONGEST_MS : 0)) {
    delete document.documentElement.dataset.leaving;
    for (const part of document.querySelectorAll(PAGE)) [part.inert, part.ariaBusy] = [false, null];
    old = null;
    say("");
    return;
  }
  if (waited > SAY_MS && !going) say(document.querySelector("[data-person]")?.dataset.opening ?? "");
  goOn.timer = setTimeout(goOn, LOOK_MS);
}

function hold(go) {
  going = go; // the last one counts
  heldAt ??= performance.now();
  still();
  look();
}

function look() {
  if (isBusy()) {
    if (performance.now() - heldAt > SAY_MS) say(document.querySelector("[data-person]")?.dataset.leaving ?? "");
    clearTimeout(look.timer);
    look.timer = setTimeout(look, LOOK_MS);
    return;
  }
  const go = going;
  going = heldAt = null;
  say("");
  isPassing = true;
  try {
    leave();
    go?.();
  } finally {
    isPassing = false;
  }
}

function say(words) {
  line ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "cp-outbox", role: "status" }));
  if (line.textContent !== words) line.textContent = words;
}
