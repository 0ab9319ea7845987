// Texts as the model reads them: in one spelling, and cut into words as textgraft.text cuts them.

import { unrolled } from "./files.js";

export const SPACE = 0, WORD = 1, SINGLE = 2, PUNCTUATION = 3; // kinds of characters
const ELLIPSIS = 4, DASH = 5; // of punctuation that stays together
const LONGEST_TAG = 200;
const code = (character) => character.codePointAt(0);
const [OPENING, CLOSING, APOSTROPHE, QUOTE] = ["<", ">", "'", "\u2019"].map(code);

/**
 * What puts texts into a normal form of Unicode, by the characters that the Unicode of the export knew: what it did not
 * know stays as it is, however new the browser is.
 * @param {number[]} unassigned the first and the last of each run of such characters
 */
export function normaliser(unassigned) {
  const runs = [];
  for (let i = 0; i < unassigned.length; i += 2) {
    runs.push(`\\u{${unassigned[i].toString(16)}}-\\u{${unassigned[i + 1].toString(16)}}`);
  }
  const unknown = new RegExp(`([${runs.join("")}]+)`, "u");
  return (text, form) => {
    if (form === "none") return text;
    return text.split(unknown).map((part, i) => (i % 2 ? part : part.normalize(form.toUpperCase()))).join("");
  };
}

/** What cuts a text into words; `tables` are those of `textgraft.web.characters.word_tables`. */
export function wordCutter({ kinds, upper, lower, tokenizer }) {
  const size = 0x20000, kindOf = unrolled(kinds, size), lowerOf = Uint32Array.from({ length: size }, (_, i) => i);
  upper.forEach((each, i) => { lowerOf[each] = lower[i]; });
  const classified = (text) => {
    const codes = Array.from(text + "\n", code);
    const kind = codes.map((each) => kindOf[Math.min(each, size - 1)]);
    codes.forEach((each, i) => { if (each < size - 1) codes[i] = lowerOf[each]; });
    dropMarkup(codes, kind);
    codes.forEach((each, i) => { if (each === QUOTE) codes[i] = APOSTROPHE; });
    for (let i = 1; i + 1 < codes.length; i++) {
      if (codes[i] === APOSTROPHE && kind[i - 1] === WORD && kind[i + 1] === WORD) kind[i] = WORD;
    }
    return { codes, kind };
  };
  return (text) => {
    const { codes, kind } = classified(text);
    const borders = tokenizer === "treebank" ? takenApart(codes, kind) : new Set();
    return cut(codes, kind, borders);
  };
}

/** Makes tags white space: "<" and a letter, "/" or "!" up to the next ">". */
function dropMarkup(codes, kind) {
  for (let i = codes.indexOf(OPENING); i >= 0; i = codes.indexOf(OPENING, i + 1)) {
    const next = codes[i + 1], named = (next >= 97 && next <= 122) || next === 47 || next === 33;
    const end = codes.indexOf(CLOSING, i), following = codes.indexOf(OPENING, i + 1);
    if (named && end >= 0 && (following < 0 || end < following) && end - i < LONGEST_TAG) kind.fill(SPACE, i, end + 1);
  }
}

function cut(codes, kind, borders) {
  const words = [];
  let start = 0;
  for (let i = 1; i <= codes.length; i++) {
    if (i < codes.length && kind[i] === kind[i - 1] && kind[i] !== SINGLE && !borders.has(i)) continue;
    if (kind[start] !== SPACE) words.push(codes.slice(start, i));
    start = i;
  }
  return words.map(string);
}

/** Code points as a string. */
export const string = (codes) => codes.map((each) => String.fromCodePoint(each)).join("");

/** As in the Penn Treebank: punctuation alone, and places where the second part of a contraction begins. */
function takenApart(codes, kind) {
  const isLetter = (i) => kind[i] === WORD && codes[i] !== APOSTROPHE;
  const is = (i, letters) => [...letters].every((each, n) => codes[i + n] === code(each));
  const borders = new Set();
  for (let i = 0; i < codes.length; i++) {
    if (kind[i] !== WORD || codes[i] !== APOSTROPHE) continue;
    const two = isLetter(i + 2), three = two && isLetter(i + 3);
    if (!two && "sdm".includes(String.fromCodePoint(codes[i + 1]))) borders.add(i);
    if (two && !three && ["ll", "re", "ve"].some((pair) => is(i + 1, pair))) borders.add(i);
    if (!two && is(i - 1, "n't") && isLetter(i - 2)) borders.add(i - 1);
  }
  const runs = [[".", 3, ELLIPSIS], ["-", 2, DASH]].map(([of, length, as]) => [code(of), length, as]);
  const punctuation = kind.map((each) => each === PUNCTUATION);
  kind.forEach((each, i) => { if (punctuation[i]) kind[i] = SINGLE; });
  for (const [of, length, as] of runs) {
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] !== of || codes[i - 1] === of) continue;
      let end = i;
      while (codes[end] === of) end++;
      for (let j = i; end - i === length && j < end; j++) if (punctuation[j]) kind[j] = as;
    }
  }
  return borders;
}
