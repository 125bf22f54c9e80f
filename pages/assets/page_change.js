// What happens when another page opens: a screen reader is told its title, and a phone folds the menu away.
// And when the theme changes on an open page: dialogs and menus, which hang outside the app, take its colours.
const PHONE = 768; // px: up to here Streamlit lays the menu over the page
const region = document.createElement("div");
region.className = "cp-unseen";
region.setAttribute("role", "status");
let shown = null;
let themed = null;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('[data-testid="stSidebarNavLink"]');
  if (!link || innerWidth > PHONE) return;
  setTimeout(() => document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click(), 0);
});

function followTheme() {
  const app = document.querySelector('[data-testid="stApp"]');
  if (!app || app === themed) return;
  themed = app;
  new MutationObserver(() => {
    document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;
  }).observe(app, { attributeFilter: ["class"] });
}

export function announce({ data }) {
  followTheme();
  if (!region.isConnected) document.body.append(region);
  document.documentElement.style.setProperty("--cp-menu", JSON.stringify(data.menu));
  if (shown !== null && shown !== data.title) region.textContent = data.title;
  shown = data.title;
}

// A panel beside a list: its heading takes the focus once, which is also how it is said; the row gets it back.
const PANEL = ".st-key-cp-panel";
let inPanel = null;

export function panel({ data }) {
  if (inPanel !== data.opened) {
    inPanel = data.opened;
    const heading = document.querySelector(`${PANEL} h2`);
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: innerWidth > PHONE });
  }
  return () =>
    setTimeout(() => {
      if (document.querySelector(PANEL) || inPanel === null) return;
      document.querySelector(`[data-place="row-${CSS.escape(inPanel)}"]`)?.focus();
      inPanel = null;
    }, 150);
}
