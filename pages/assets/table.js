// A sortable table. Every word arrives as data and is written as text, never as HTML.
export function table({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cp-sortable");
  const facts = JSON.stringify(data);
  if (root.cpFacts === facts) return; // a refresh without news leaves the reader's place, focus and selection alone
  root.cpFacts = facts;
  const place = root.querySelector(".cp-table");
  const scrolled = { left: place?.scrollLeft ?? 0, top: place?.scrollTop ?? 0 };
  // A page of a longer list comes in its order ("server"), or in one that no heading changes ("fixed").
  const isLocal = data.ordering === "browser";
  const kept = root.cpState ?? { sort: data.sort, descending: data.descending };
  if (!isLocal) Object.assign(kept, { sort: data.sort, descending: data.descending });
  root.cpState = kept;
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.place : null;
  const say = (words, name, value) => words.replace(`{${name}}`, value);

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  };
  const WITHOUT_ASKING = 25; // rows of a stacked table that a phone shows at once
  const icon = (name) => make("span", { class: "cp-icon", "aria-hidden": "true", translate: "no" }, name);

  const status = make("span", { class: "cp-unseen", role: "status" });
  const headings = data.columns.map((column, index) => {
    const arrow = icon("");
    if (data.ordering === "fixed") {
      const kind = column.numeric ? "cp-fixed cp-number" : "cp-fixed";
      const head = { scope: "col", role: "columnheader", class: kind, title: column.rule || null };
      return { cell: make("th", head, column.label), arrow };
    }
    const button = make(
      "button",
      { type: "button", "data-place": `head-${index}`, title: column.rule || null, "aria-description": column.rule || null },
      make("span", {}, column.label),
      arrow,
    );
    const cell = make("th", { scope: "col", role: "columnheader", class: column.numeric ? "cp-number" : null }, button);
    button.addEventListener("click", () => {
      kept.descending = kept.sort === index ? !kept.descending : column.numeric;
      kept.sort = index;
      if (isLocal) order();
      else setTriggerValue("order", { column: index, descending: kept.descending });
      status.textContent = say(kept.descending ? data.words.down : data.words.up, "column", column.label);
    });
    return { cell, arrow };
  });

  const content = (cell) => {
    const parts = cell.icon
      ? [make("span", { class: `cp-chip cp-tone-${cell.tone}` }, icon(cell.icon), make("span", {}, cell.text))]
      : [cell.text];
    if (cell.sort === null && !cell.icon) {
      parts[0] = make("span", {}, make("span", { "aria-hidden": "true" }, cell.text));
      parts[0].append(make("span", { class: "cp-unseen" }, data.words.none));
    }
    if (cell.note) parts.push(make("small", {}, cell.note));
    return parts;
  };

  // Sent as short as can be: a word alone sorts by itself, and a cell without its own order by its text.
  const full = (cell) =>
    typeof cell === "string" ? { text: cell, sort: cell } : { ...cell, sort: cell.sort === undefined ? cell.text : cell.sort };

  const lines = data.rows.map(({ id, cells: sent }) => {
    const row = { id, cells: sent.map(full) };
    const cells = row.cells.map((cell, index) => {
      const kind = data.columns[index].numeric ? "cp-number" : null;
      if (index > 0) {
        const label = data.columns[index].label;
        return make("td", { role: "cell", class: kind, title: cell.hint || null, "data-label": label }, ...content(cell));
      }
      if (!data.opens) return make("th", { scope: "row", role: "rowheader" }, ...content(cell));
      const open = make(
        "button",
        { type: "button", class: "cp-open", "data-place": `row-${row.id}` },
        ...content(cell),
      );
      open.setAttribute("aria-label", say(data.words.open, "name", cell.note ? `${cell.text}, ${cell.note}` : cell.text));
      return make("th", { scope: "row", role: "rowheader" }, open);
    });
    const element = make("tr", { role: "row", "aria-current": row.id === data.selected ? "true" : null }, ...cells);
    if (data.opens) {
      element.classList.add("cp-opens");
      element.addEventListener("click", () => setTriggerValue("open", row.id));
    }
    return { row, element };
  });

  const body = make("tbody", { role: "rowgroup" });
  if (!lines.length) body.append(make("tr", {}, make("td", { colspan: data.columns.length }, data.words.empty)));

  const compare = (left, right) => {
    const a = left.row.cells[kept.sort].sort;
    const b = right.row.cells[kept.sort].sort;
    if (a === null || b === null) return (a === null) - (b === null);
    const difference =
      typeof a === "number" && typeof b === "number"
        ? a - b
        : String(a).localeCompare(String(b), undefined, { numeric: true, sensitivity: "base" });
    return kept.descending ? -difference : difference;
  };
  const order = () => {
    if (kept.sort !== null && kept.sort >= data.columns.length) kept.sort = 0;
    headings.forEach(({ cell, arrow }, index) => {
      const here = index === kept.sort;
      if (here) cell.setAttribute("aria-sort", kept.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
      arrow.textContent = here ? (kept.descending ? "arrow_downward" : "arrow_upward") : "unfold_more";
    });
    const ordered = kept.sort === null || !isLocal ? lines : [...lines].sort(compare);
    body.append(...ordered.map(({ element }) => element));
    ordered.forEach(({ element }, index) => element.classList.toggle("cp-later", index >= WITHOUT_ASKING));
  };
  order();

  const all = make("button", { type: "button", class: "cp-all", "data-place": "all" }, data.words.all);
  all.addEventListener("click", () => {
    kept.all = true;
    root.classList.add("cp-whole");
    body.children[WITHOUT_ASKING]?.querySelector("button")?.focus();
  });
  root.classList.toggle("cp-whole", Boolean(kept.all) || lines.length <= WITHOUT_ASKING);

  const rules = data.columns.filter((column) => column.rule);
  const meanings = make("dl", {}, ...rules.map((column) => make("div", {}, make("dt", {}, column.label), make("dd", {}, column.rule))));
  const legend = make("details", { class: "cp-rules" }, make("summary", { "data-place": "rules" }, data.words.rules), meanings);
  legend.open = Boolean(kept.rules);
  legend.addEventListener("toggle", () => (kept.rules = legend.open));

  root.replaceChildren(
    status,
    make(
      "div",
      { class: data.stacked ? "cp-table cp-stacked" : "cp-table", role: "region", tabindex: "0", "aria-label": data.caption },
      make(
        "table",
        { role: "table" }, // said aloud, because a phone lays stacked rows out as cards
        make("caption", {}, data.caption),
        make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...headings.map(({ cell }) => cell))),
        body,
      ),
    ),
    ...(data.stacked ? [all] : []),
    ...(rules.length ? [legend] : []),
  );
  root.querySelector(".cp-table").scrollTo(scrolled);
  if (focused) root.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
}
