"use strict";
// Filters and sorts the users. So that the page stays quick with very many of
// them, only the first are in the table until all are asked for (page.css hides
// the others until this has run).
{
  const FIRST = 300;
  const by = (id) => document.getElementById(id);
  const body = by("users").tBodies[0];
  const words = by("words"), state = by("state"), more = by("more"), shown = by("shown");
  const text = (row, column) => row.cells[column].textContent;
  let rows = [...body.rows].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    state: row.className,
  }));
  const initial = rows;
  const total = rows.length;
  let limit = FIRST;

  const show = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (one) =>
      (!state.value || one.state === state.value) && wanted.every((word) => one.text.includes(word));
    const found = rows.filter(fits);
    body.replaceChildren(...found.slice(0, limit).map((one) => one.row));
    const count = Math.min(limit, found.length);
    shown.textContent = count < found.length
      ? `The first ${count} of ${found.length} users (${total} in all)`
      : `${found.length} of ${total} users`;
    by("users").classList.toggle("whole", limit > FIRST);
    more.hidden = count === found.length;
  };
  const again = () => { limit = FIRST; show(); };

  words.addEventListener("input", again);
  state.addEventListener("change", again);
  more.addEventListener("click", () => { limit = Infinity; show(); });

  const collator = new Intl.Collator(undefined, { numeric: true });
  for (const head of document.querySelectorAll("[data-sort]")) {
    const column = head.cellIndex;
    const isNumber = head.dataset.sort === "number";
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const before = head.ariaSort;
      for (const other of document.querySelectorAll("[data-sort]")) other.ariaSort = null;
      // A column is sorted one way, then the other, then not at all.
      const [once, twice] = isNumber ? ["descending", "ascending"] : ["ascending", "descending"];
      const order = before === once ? twice : before === twice ? null : once;
      head.ariaSort = order;
      if (order === null) {
        rows = initial;
      } else {
        const sign = order === "ascending" ? 1 : -1;
        const keyed = initial.map((one) => {
          const cell = text(one.row, column);
          return { one, key: isNumber ? Number(cell || -1) : cell };
        });
        keyed.sort((a, b) => sign * (isNumber ? a.key - b.key : collator.compare(a.key, b.key)));
        rows = keyed.map((keyed) => keyed.one);
      }
      again();
    });
  }

  for (const cell of document.querySelectorAll("[data-code]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    button.title = "Show the users with this code";
    cell.append(button);
    button.addEventListener("click", () => {
      words.value = cell.dataset.code;
      again();
      words.focus();
    });
  }

  by("controls").hidden = false;
  show();
}
