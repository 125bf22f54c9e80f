// A sortable table. Every word arrives as data and is written as text, never as HTML.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cp-sortable");
  const facts = JSON.stringify(data);
  if (root.cpFacts === facts) return; // a refresh without news leaves the reader's place, focus and selection alone
  root.cpFacts = facts;
  const place = root.querySelector(".cp-table");
  const scrolled = { left: place?.scrollLeft ?? 0, top: place?.scrollTop ?? 0 };
  const kept = root.cpState ?? { sort: data.sort, descending: data.descending };
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
  const icon = (name) => make("span", { class: "cp-icon", "aria-hidden": "true", translate: "no" }, name);

  const status = make("span", { class: "cp-unseen", role: "status" });
  const headings = data.columns.map((column, index) => {
    const arrow = icon("");
    const button = make(
      "button",
      { type: "button", "data-place": `head-${index}`, title: column.rule || null },
      make("span", {}, column.label),
      arrow,
    );
    const cell = make("th", { scope: "col", class: column.numeric ? "cp-number" : null }, button);
    button.addEventListener("click", () => {
      kept.descending = kept.sort === index ? !kept.descending : column.numeric;
      kept.sort = index;
      order();
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

  const lines = data.rows.map((row) => {
    const cells = row.cells.map((cell, index) => {
      const kind = data.columns[index].numeric ? "cp-number" : null;
      if (index > 0) return make("td", { class: kind, title: cell.hint || null }, ...content(cell));
      if (!data.opens) return make("th", { scope: "row" }, ...content(cell));
      const open = make(
        "button",
        { type: "button", class: "cp-open", "data-place": `row-${row.id}` },
        ...content(cell),
      );
      open.setAttribute("aria-label", say(data.words.open, "name", cell.text));
      return make("th", { scope: "row" }, open);
    });
    const element = make("tr", { "aria-current": row.id === data.selected ? "true" : null }, ...cells);
    if (data.opens) {
      element.classList.add("cp-opens");
      element.addEventListener("click", () => setTriggerValue("open", row.id));
    }
    return { row, element };
  });

  const body = make("tbody");
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
    const ordered = kept.sort === null ? lines : [...lines].sort(compare);
    body.append(...ordered.map(({ element }) => element));
  };
  order();

  root.replaceChildren(
    status,
    make(
      "div",
      { class: "cp-table", role: "region", tabindex: "0", "aria-label": data.caption },
      make(
        "table",
        {},
        make("caption", {}, data.caption),
        make("thead", {}, make("tr", {}, ...headings.map(({ cell }) => cell))),
        body,
      ),
    ),
  );
  root.querySelector(".cp-table").scrollTo(scrolled);
  if (focused) root.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
}
