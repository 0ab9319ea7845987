// The words that mattered: shaded in the text, and the heaviest in a list.

import { heard, make, name, signed } from "./dom.js";

const MOST = 8; // words in the list
const LEAST = 0.005; // what reads as more than nothing

/** Where code points stand in a string, which counts in UTF-16: ascending places in, their places out. */
export const inUtf16 = (text, places) => {
  let at = 0;
  let point = 0;
  return places.map((place) => {
    while (point < place && at < text.length) {
      at += text.codePointAt(at) > 0xffff ? 2 : 1;
      point += 1;
    }
    return at;
  });
};

/** The spans of an explanation with their words; empty ones and those that overlap are left out. */
export const spansOf = (text, words) => {
  const ordered = [...words].sort((a, b) => a.start - b.start || a.end - b.end);
  const points = [...new Set(ordered.flatMap((each) => [each.start, each.end]))].sort((a, b) => a - b);
  const places = inUtf16(text, points);
  const where = new Map(points.map((point, i) => [point, places[i]]));
  let last = 0;
  return ordered
    .map(({ start, end, weight }) => ({ start: where.get(start), end: where.get(end), weight }))
    .filter((span) => {
      const fits = span.start >= last && span.end > span.start && Number.isFinite(span.weight);
      if (fits) last = span.end;
      return fits;
    });
};

/** The text as elements, in which the spans are shaded by their weights; the lightest are left as they are. */
export const marked = (text, spans) => {
  const most = spans.reduce((highest, span) => Math.max(highest, Math.abs(span.weight)), 0) || 1;
  const pieces = [];
  let at = 0;
  for (const { start, end, weight } of spans) {
    const strength = Math.round((3 * Math.abs(weight)) / most);
    if (!strength) continue;
    pieces.push(
      text.slice(at, start),
      make("mark", { class: `${weight > 0 ? "for" : "against"}-${strength}` }, text.slice(start, end)),
    );
    at = end;
  }
  return [...pieces, text.slice(at)];
};

/** The heaviest words with what they weigh, those that occur several times together. */
export const heaviest = (text, spans) => {
  const sums = new Map();
  for (const { start, end, weight } of spans) {
    const word = text.slice(start, end);
    sums.set(word, (sums.get(word) ?? 0) + weight);
  }
  const ordered = [...sums]
    .filter(([, weight]) => Math.abs(weight) >= LEAST)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, MOST);
  return ordered.map(([word, weight]) =>
    make(
      "li",
      {},
      name(word, weight > 0 ? "for-2" : "against-2"),
      make("span", { class: "weight" }, signed(weight, 2)),
      heard(weight > 0 ? " speaks for it" : " speaks against it"),
    ),
  );
};
