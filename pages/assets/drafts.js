// What is typed into a form and not sent stays in the browser, and stands in the form again after a link, a reload or a
// closed tab. Passwords and one-time codes are never kept; what guests type lives no longer than their tab.
const LONGEST_MS = 24 * 60 * 60 * 1000;
const SAY_MS = 6000;
const FORM = '[data-testid="stForm"]';
// A box to choose from holds a choice, which is more than its text.
const LEFT_OUT = '[role="combobox"], input[type="password"], input[type="file"], [autocomplete="one-time-code"], [autocomplete*="password"]';

const person = () => document.querySelector("[data-person]")?.dataset.person ?? "";
const storage = () => (person() ? localStorage : sessionStorage);
const restored = new WeakSet(); // fields that have had their draft
const sent = new Set(); // names of drafts that are on their way to the server
let line;

// A field is known by the page and the key of its widget, a radio button by its place in it too. Eight hexadecimal digits
// at the end of a key tell one opening of a dialog from the next, and are left out.
function nameOf(field) {
  const widget = field.closest('[class*="st-key-"]');
  const key = widget?.className.match(/st-key-([\w-]+)/)?.[1].replace(/-[0-9a-f]{8}$/, "");
  if (!key || field.matches(LEFT_OUT) || !field.closest(FORM)) return null;
  const isPart = field.type === "radio";
  const place = isPart ? `:${[...widget.querySelectorAll("input")].indexOf(field)}` : "";
  return `cp-draft:${person()}:${location.pathname}:${key}${place}`;
}

const isChoice = (field) => field.type === "radio" || field.type === "checkbox";
const valueOf = (field) => (isChoice(field) ? field.checked : field.value);
const fieldsOf = (form) => [...form.querySelectorAll("input, textarea")].filter((field) => nameOf(field));

function keep(field) {
  const name = nameOf(field);
  if (!name || (sent.has(name) && read(name)?.value === valueOf(field))) return; // Enter, and left after it
  restored.add(field);
  sent.delete(name);
  if (field.type === "radio") for (const each of fieldsOf(field.closest('[class*="st-key-"]'))) forget(nameOf(each));
  write(name, JSON.stringify({ value: valueOf(field), at: Date.now() }));
}

function write(name, text) {
  try {
    storage().setItem(name, text);
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

// As if it were typed: React hears of it by the event, Streamlit when the field is left.
function fill(field, value) {
  if (isChoice(field)) return field.click();
  const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
  set.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
}

function restore(form) {
  for (const field of fieldsOf(form)) {
    if (restored.has(field)) continue;
    restored.add(field);
    const name = nameOf(field), draft = read(name);
    if (!draft || sent.has(name)) continue;
    if (draft.value === valueOf(field)) forget(name);
    else {
      fill(field, draft.value);
      say();
    }
  }
}

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => event.isTrusted && keep(event.target), true);
}

document.addEventListener("click", (event) => {
  const form = event.target.closest?.('[data-testid="stFormSubmitButton"] button') && event.target.closest(FORM);
  if (form) note(form);
}, true);
// In a dialog, a button beside the form means that what is typed is not wanted any more.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.('[role="dialog"] [data-testid="stButton"] button');
  for (const form of button?.closest('[role="dialog"]').querySelectorAll(FORM) ?? []) {
    for (const field of fieldsOf(form)) forget(nameOf(field));
  }
}, true);
document.addEventListener("keydown", (event) => {
  const form = event.key === "Enter" && event.target.closest?.(FORM);
  if (form) note(form);
}, true);

function note(form) {
  for (const field of fieldsOf(form)) if (read(nameOf(field))) sent.add(nameOf(field));
}

// The server has answered (leaving.js): without a complaint on the page, what was sent is done.
addEventListener("cp-answered", () => {
  const isRefused = document.querySelector('[data-testid="stAlertContentError"]') !== null;
  for (const name of sent) if (!isRefused) forget(name);
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
