"use strict";
(() => {
  const at = (id) => document.getElementById(id);

  // What a mark of a picture, or a cell, says of itself is shown beside the pointer.
  const tip = at("tip");
  const about = (target) => {
    const mark = target.closest("[data-tip], .drawn [aria-label]");
    if (!mark || mark.tagName === "svg" || mark.matches(".drawn")) return "";
    if (mark.closest(".drawn") && !mark.closest(".role-mark")) return "";
    return mark.dataset.tip || mark.getAttribute("aria-label") || "";
  };
  document.addEventListener("pointermove", (event) => {
    if (event.target.id === "map-canvas") return; // which says itself what is there
    const says = event.target.closest ? about(event.target) : "";
    tip.hidden = !says;
    if (!says) return;
    tip.textContent = says;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, room))}px`;
    tip.style.top = `${event.clientY + 18}px`;
  });
  document.addEventListener("pointerleave", () => { tip.hidden = true; });

  const source = at("rows");
  const list = at("found");
  if (!source || !list) return;
  const PAGE = 10;
  const SHORT = 300;
  const { labels, files, columns, rows, of, has_texts: texts } = JSON.parse(source.textContent);
  const [TEXT, TRUE, PREDICTED, SURE, LOSS, FILE, NUMBER, LENGTH] = columns.map((_, i) => i);
  const set = (value) => (Array.isArray(value) ? value : [value]);
  const same = (a, b) => a.length === b.length && a.every((each) => b.includes(each));
  const all = rows.map((row, place) => ({
    row,
    place,
    true: set(row[TRUE]),
    predicted: set(row[PREDICTED]),
    right: same(set(row[TRUE]), set(row[PREDICTED])),
  }));
  let lower = null; // texts in lower case, made at the first search
  let found = [];
  let shown = 0;
  let cell = null; // of a multi-label task: the label whose hits, misses or false alarms are asked for

  for (const id of ["true", "predicted"]) {
    labels.forEach((name, i) => at(id).append(new Option(name, i)));
  }

  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const named = (places) => places.map((place) => labels[place]).join(", ") || "no label";

  const item = ({ row, true: carried, predicted, right }) => {
    const entry = make("li");
    if (texts) {
      const text = row[TEXT];
      const paragraph = make("p", text.length > SHORT ? `${text.slice(0, SHORT)}…` : text, "text");
      paragraph.dir = "auto";
      entry.append(paragraph);
      if (text.length > SHORT || row[LENGTH] > text.length) {
        const cut = row[LENGTH] > text.length ? `the first ${text.length.toLocaleString("en")} of` : "all";
        const button = make("button", `Show ${cut} ${row[LENGTH].toLocaleString("en")} characters`, "whole");
        button.type = "button";
        button.addEventListener("click", () => { paragraph.textContent = text; button.remove(); });
        if (text.length > SHORT) entry.append(button);
      }
    }
    const line = make("p", undefined, "meta");
    const add = (name, value, kind) => {
      const part = make("span", undefined, kind);
      part.append(make("i", name), " ", make("bdi", value));
      line.append(part, " ");
    };
    add("true", named(carried));
    add("predicted", named(predicted), right ? "right" : "wrong");
    add("probability", row[SURE].toFixed(3));
    add("loss", row[LOSS].toFixed(2));
    add("", `${files[row[FILE]]}${row[NUMBER] ? ` row ${row[NUMBER]}` : ""}`, "place");
    entry.append(line);
    return entry;
  };

  const more = () => {
    const first = shown;
    const next = found.slice(shown, shown + PAGE).map(item);
    list.append(...next);
    shown += next.length;
    at("more").hidden = shown >= found.length;
    return list.children[first];
  };

  const ORDERS = {
    loss: (a, b) => b.row[LOSS] - a.row[LOSS],
    "-loss": (a, b) => a.row[LOSS] - b.row[LOSS],
    sure: (a, b) => b.row[SURE] - a.row[SURE],
    "-sure": (a, b) => a.row[SURE] - b.row[SURE],
    long: (a, b) => b.row[LENGTH] - a.row[LENGTH],
    row: () => 0,
  };
  const KINDS = [
    (each, label) => each.true.includes(label) && each.predicted.includes(label),
    (each, label) => each.true.includes(label) && !each.predicted.includes(label),
    (each, label) => !each.true.includes(label) && each.predicted.includes(label),
  ];

  const update = () => {
    const words = at("words").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && texts) lower ??= rows.map((row) => row[TEXT].toLocaleLowerCase());
    const kind = at("kind").value;
    const asked = ["true", "predicted"].map((id) => at(id).value);
    found = all.filter((each) =>
      (kind === "" || each.right === (kind === "right")) &&
      (asked[0] === "" || each.true.includes(+asked[0])) &&
      (asked[1] === "" || each.predicted.includes(+asked[1])) &&
      (cell === null || KINDS[cell.kind](each, cell.label)) &&
      (!texts || words.every((word) => lower[each.place].includes(word))));
    found.sort((a, b) => ORDERS[at("order").value](a, b) || a.place - b.place);
    list.replaceChildren();
    shown = 0;
    more();
    const count = (n) => n.toLocaleString("en");
    const drawn = of > rows.length ? ` (a sample of ${count(of)}: the highest losses and rows drawn evenly)` : "";
    const label = cell === null ? "" : `, ${["hits", "misses", "false alarms"][cell.kind]} of ${labels[cell.label]}`;
    at("status").textContent = `${count(found.length)} of ${count(rows.length)} rows${drawn}${label}`;
  };

  const show = () => {
    update();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    at("list").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
    at("status").focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.cell");
    if (!button) return;
    for (const id of ["words", "kind", "true", "predicted"]) at(id).value = "";
    if (button.dataset.label === undefined) {
      cell = null;
      at("true").value = button.dataset.true;
      at("predicted").value = button.dataset.predicted;
    } else {
      cell = { label: +button.dataset.label, kind: +button.dataset.kind };
    }
    show();
  });
  let waiting = 0;
  at("filter").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { cell = null; update(); }, 120);
  });
  at("filter").addEventListener("reset", () => setTimeout(() => { cell = null; update(); }));
  at("filter").addEventListener("submit", (event) => { event.preventDefault(); update(); });
  at("more").addEventListener("click", () => {
    const first = more();
    if (first) { first.tabIndex = -1; first.focus({ preventScroll: true }); }
  });
  if (!texts) at("words").closest("label").hidden = true;
  update();
})();
