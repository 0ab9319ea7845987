// Elements and figures. All text goes in as text; nothing that a model or a person wrote is ever read as HTML.

export const at = (id) => document.getElementById(id);

/** An element with attributes, properties of its dataset and listeners, around strings and other elements. */
export const make = (tag, options = {}, ...content) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...content.flat().filter((each) => each !== null && each !== undefined));
  return element;
};

/** A table of header cells and rows, which scrolls by itself where it is wider than the screen. */
export const table = (called, head, rows) =>
  make(
    "div",
    { class: "table", role: "region", tabindex: "0", "aria-label": called },
    make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, rows)),
  );

/** Words that may run in either direction, kept apart from those around them. */
export const name = (text, kind) => make("bdi", { class: kind }, text);

/** Labels with commas between them, or what is said where there are none. */
export const listed = (labels, none = "none") =>
  labels.length ? labels.flatMap((label, i) => [i ? ", " : "", name(label)]) : [none];

/** Heard by screen readers, not seen. */
export const heard = (text) => make("span", { class: "heard" }, text);

export const count = (value) => value.toLocaleString("en");

export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A probability in three digits; what is not certain is never said to be. */
export const share = (p) => {
  if (p > 0 && p < 0.0005) return "<0.001";
  if (p < 1 && p >= 0.9995) return ">0.999";
  return p.toFixed(3);
};

export const signed = (value, digits) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

export const shortened = (text, most) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text);

/** Whether the labels of an answer are the same, in any order. */
export const same = (some, others) => some.length === others.length && some.every((each) => others.includes(each));

/** The labels of a prediction: one, several, or none where it abstains. */
export const labelsOf = (prediction) =>
  prediction.labels ?? (prediction.label === null || prediction.label === undefined ? [] : [prediction.label]);
