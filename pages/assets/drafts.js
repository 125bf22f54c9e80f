// What is typed or chosen in a form and not sent stays in the browser, and stands in the form again after a link, a reload
// or a closed tab. Passwords and one-time codes are never kept; what guests type lives no longer than their tab.
const LONGEST_MS = 24 * 60 * 60 * 1000;
const SAY_MS = 6000;
const CLOSED_MS = 150; // after a press, a list of options is closed
const OPTIONS_MS = 3000; // then a list of options has no such option
const FORM = '[data-testid="stForm"]';
const LEFT_OUT = 'input[type="password"], input[type="file"], [autocomplete="one-time-code"], [autocomplete*="password"]';
const DATE = '[data-testid="stDateInput"] [role="group"]'; // a group of parts: day, month and year
const FIELDS = `input, textarea, ${DATE}`;
// The field of pages/shell/idempotency.py: it holds the key under which what the form makes is made once.
const KEY = '[class*="st-key-cp-once-"] input';

const person = () => document.querySelector("[data-person]")?.dataset.person ?? "";
const storage = () => (person() ? localStorage : sessionStorage);
const pages = new WeakMap(); // where a field was first seen: after Back, the address is that of the next page already
const restored = new WeakSet(); // fields that have had their draft
const standing = new WeakMap(); // what a picked field held before anybody touched it, and every field once it was saved
const sent = new Set(); // names of drafts that are on their way to the server
let pressed = null; // the form that is being sent
const waiting = new Set(); // picked fields that are about to have their draft
let filling = Promise.resolve(); // lists of options are opened one after another
let line;

// A field is known by the page and the key of its widget, a radio button by its place in it too. Eight hexadecimal digits
// at the end of a key tell one opening of a dialog from the next, and are left out.
function nameOf(field) {
  const widget = field.closest('[class*="st-key-"]');
  const key = widget?.className.match(/st-key-([\w-]+)/)?.[1].replace(/-[0-9a-f]{8}$/, "");
  if (!key || field.matches(LEFT_OUT) || !field.closest(FORM)) return null;
  if (!field.matches(DATE) && field.closest(DATE)) return null;
  if (pages.get(field)?.key !== key) pages.set(field, { key, path: location.pathname });
  const place = field.type === "radio" ? `:${[...widget.querySelectorAll("input")].indexOf(field)}` : "";
  return `cp-draft:${person()}:${pages.get(field).path}:${key}${place}`;
}

const isSwitch = (field) => field.type === "radio" || field.type === "checkbox";
const isPicked = (field) => isSwitch(field) || field.matches(`[role="combobox"], ${DATE}`); // no event tells of its value
const isOpen = (field) => field.getAttribute("aria-expanded") === "true"; // what stands in it is a search
const fieldsOf = (form) => [...form.querySelectorAll(FIELDS)].filter((field) => nameOf(field));
const partsOf = (field) => [...field.querySelectorAll('[role="spinbutton"]')];
const partOf = (part) => (part.dataset.placeholder ? "" : part.textContent);

function valueOf(field) {
  if (isSwitch(field)) return field.checked;
  return field.matches(DATE) ? partsOf(field).map(partOf).join("/") : field.value;
}

function keep(field) {
  const name = nameOf(field);
  if (!name || (sent.has(name) && read(name)?.value === valueOf(field))) return; // Enter, and left after it
  if (standing.get(field) === valueOf(field) && !read(name)) return; // left after the answer
  restored.add(field);
  sent.delete(name);
  write(name, valueOf(field));
  keepKeys(field.closest(FORM));
}

function keepKeys(form) {
  for (const field of form.querySelectorAll(KEY)) if (!read(nameOf(field))) write(nameOf(field), field.value);
}

function keepPicked() {
  if ("leaving" in document.documentElement.dataset) return; // Streamlit empties the fields of a page that goes
  for (const field of [...document.querySelectorAll(FORM)].flatMap(fieldsOf).filter(isPicked)) {
    const name = nameOf(field), value = valueOf(field);
    if (isOpen(field) || waiting.has(field) || !standing.has(field)) continue;
    if (field.type === "radio" && !value) sent.has(name) || forget(name); // another one is chosen
    else if (value !== (read(name)?.value ?? standing.get(field))) keep(field);
  }
}

function write(name, value) {
  try {
    storage().setItem(name, JSON.stringify({ value, at: Date.now() }));
  } catch {} // full, or forbidden: then a draft lives as long as its page
}

function read(name) {
  try {
    const draft = JSON.parse(storage().getItem(name));
    return draft && Date.now() - draft.at < LONGEST_MS ? draft : null;
  } catch {
    return null;
  }
}

function forget(name) {
  try {
    storage().removeItem(name);
  } catch {}
}

// As if a person did it: React hears of it by the events, Streamlit when the field is left.
function fill(field, value) {
  if (isPicked(field)) {
    const work = isSwitch(field) ? flip : field.matches(DATE) ? fillDate : pickOption;
    waiting.add(field);
    filling = filling.then(() => field.isConnected && work(field, value)).catch(() => {});
    filling = filling.then(() => waiting.delete(field));
    return undefined;
  }
  type(field, value);
  field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
}

function type(field, value) {
  const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
  set.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

async function flip(field) {
  field.click();
  await new Promise(requestAnimationFrame);
}

async function pickOption(field, value) {
  const focused = document.activeElement;
  field.focus({ preventScroll: true });
  type(field, value);
  const until = performance.now() + OPTIONS_MS;
  let option;
  while (!option && performance.now() < until) {
    await new Promise(requestAnimationFrame);
    const list = document.getElementById(field.getAttribute("aria-controls"));
    option = [...(list?.querySelectorAll('[role="option"]') ?? [])].find((each) => each.textContent === value);
  }
  if (option) option.click();
  else field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true })); // a new one
  await new Promise(requestAnimationFrame);
  field.blur();
  if (focused !== document.body) focused?.focus({ preventScroll: true });
}

// A date is pasted into its first part, which takes all three; an empty one is cleared by its button.
function fillDate(field, value) {
  const clear = field.closest('[data-testid="stDateInput"]').querySelector('[data-testid="stDateInputClearButton"]');
  if (!/\d/.test(value)) return clear?.click();
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", value);
  partsOf(field)[0]?.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  return undefined;
}

function restore(form) {
  for (const field of fieldsOf(form)) {
    if (restored.has(field)) continue;
    restored.add(field);
    const name = nameOf(field), draft = read(name);
    if (field.matches(KEY)) fill(field, draft?.value || newKey());
    else if (draft && !sent.has(name)) putBack(field, name, draft.value);
  }
}

function putBack(field, name, value) {
  if (value === valueOf(field)) return forget(name);
  fill(field, value);
  say();
}

const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    if (event.isTrusted && event.target.matches?.("input, textarea") && !isPicked(event.target)) keep(event.target);
  }, true);
}
for (const kind of ["pointerdown", "focusin"]) {
  document.addEventListener(kind, ({ target }) => {
    const widget = target.closest?.(FORM) && target.closest('[class*="st-key-"]');
    for (const field of widget?.querySelectorAll(FIELDS) ?? []) {
      if (isPicked(field) && !standing.has(field)) standing.set(field, valueOf(field));
    }
  }, true);
}
// Day pickers and lists of options stand beside the form; the field holds what was picked once they are closed.
for (const kind of ["click", "keyup", "focusout"]) {
  document.addEventListener(kind, (event) => {
    if (!event.isTrusted) return;
    requestAnimationFrame(keepPicked);
    clearTimeout(keepPicked.timer);
    keepPicked.timer = setTimeout(keepPicked, CLOSED_MS);
  }, true);
}
for (const kind of ["pagehide", "cp-leaving"]) addEventListener(kind, keepPicked);

// In a dialog, a button beside the form means that what is typed in it is settled. What asked for the dialog is not done.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.('[role="dialog"] [data-testid="stButton"] button');
  if (!button) return;
  sent.clear();
  for (const form of button.closest('[role="dialog"]').querySelectorAll(FORM)) noteSent(form);
}, true);

// Enter sends some forms and not others: a form is on its way once its press goes to the server (leaving.js).
for (const kind of ["click", "keydown"]) {
  document.addEventListener(kind, (event) => {
    const isSending = kind === "click" ? event.target.closest?.('[data-testid="stFormSubmitButton"] button') : event.key === "Enter";
    pressed = (isSending && event.target.closest?.(FORM)) || null;
    if (pressed) keepKeys(pressed);
  }, true);
}
addEventListener("cp-asked", () => {
  keepPicked();
  if (pressed) noteSent(pressed);
  pressed = null;
});

function noteSent(form) {
  for (const field of fieldsOf(form)) if (read(nameOf(field))) sent.add(nameOf(field));
}

// A question in a dialog, or a password that is asked for first: the answer is still to come.
const isAsked = () =>
  document.querySelector('[role="dialog"] [data-testid="stAlertContentWarning"]') !== null ||
  [...document.querySelectorAll(`[role="dialog"] ${FORM}`)].some((form) => !fieldsOf(form).some((field) => sent.has(nameOf(field))));

// The server has answered (leaving.js): without a complaint on the page, what was sent is done.
addEventListener("cp-answered", () => {
  if (isAsked()) return;
  const isRefused = document.querySelector('[data-testid="stAlertContentError"]') !== null;
  if (!isRefused) {
    for (const name of sent) forget(name);
    for (const field of document.querySelectorAll(`${FORM} ${KEY}`)) if (sent.has(nameOf(field))) fill(field, newKey());
    for (const field of document.querySelectorAll(FIELDS)) if (standing.has(field) || sent.has(nameOf(field))) standing.set(field, valueOf(field));
  }
  sent.clear();
});

function say() {
  const mark = document.querySelector("[data-person]");
  line ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "cp-outbox", role: "status" }));
  line.textContent = mark?.dataset.restored ?? "";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { line.textContent = ""; }, SAY_MS);
}

new MutationObserver(() => {
  for (const form of document.querySelectorAll(FORM)) restore(form);
}).observe(document, { subtree: true, childList: true });
