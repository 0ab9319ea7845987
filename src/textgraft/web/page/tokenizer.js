// The tokenizer of an encoder: WordPiece (Wu et al. 2016) after the normaliser of BERT, as `tokenizers` computes them.

import { unrolled } from "./files.js";

const DROPPED = 1, BLANK = 2, APART = 3, DECOMPOSED = 4; // what becomes of a character; 0 is nothing
const BETWEEN = 1, ALONE = 2; // white space, and characters that are a word of their own

/**
 * What makes token ids of a text, without special tokens around it.
 * @param {{model: object, added_tokens: object[]}} content of `tokenizer.json`
 * @param {{forms: number[], listed: object, roles: number[]}} tables see `textgraft.web.tokenizer`
 */
export function tokenizerOf({ model, added_tokens: added }, { forms, listed, roles }) {
  const [formOf, roleOf] = [byCharacter(forms), byCharacter(roles)];
  const { continuing_subword_prefix: prefix, max_input_chars_per_word: longest } = model;
  const numbers = new Map(Object.entries(model.vocab)), unknown = numbers.get(model.unk_token);
  const normalised = (text) => Array.from(text, (character) => {
    if (Object.hasOwn(listed, character)) return listed[character];
    switch (formOf(character)) {
      case DROPPED: return "";
      case BLANK: return " ";
      case APART: return ` ${character} `;
      case DECOMPOSED: return character.normalize("NFD");
      default: return character;
    }
  }).join("");
  const pieces = (word) => {
    const characters = Array.from(word), ids = [];
    if (characters.length > longest) return [unknown];
    for (let start = 0; start < characters.length;) {
      let end = characters.length, id;
      for (; end > start; end--) {
        id = numbers.get((start ? prefix : "") + characters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return [unknown];
      ids.push(id);
      start = end;
    }
    return ids;
  };
  const raw = splitter(added.filter((each) => !each.normalized));
  const inForm = added.filter((each) => each.normalized);
  const later = splitter(inForm.map(({ id, content }) => ({ id, content: normalised(content) })));
  const orElse = (next) => ({ id, part }) => (id === undefined ? next(part) : [id]);
  const within = (part) => later(normalised(part)).flatMap(orElse((rest) => wordsOf(rest, roleOf).flatMap(pieces)));
  return (text) => raw(text).flatMap(orElse(within));
}

function byCharacter(runs) {
  const values = unrolled(runs, 0x110000);
  return (character) => values[character.codePointAt(0)];
}

function wordsOf(text, roleOf) {
  const words = [];
  let word = "";
  const end = () => { if (word) words.push(word); word = ""; };
  for (const character of text) {
    const role = roleOf(character);
    if (role === BETWEEN) end();
    else if (role === ALONE) { end(); words.push(character); }
    else word += character;
  }
  end();
  return words;
}

/** Cuts a text at added tokens, the leftmost first and of these the longest. */
function splitter(tokens) {
  if (!tokens.length) return (text) => [{ part: text }];
  const ids = new Map(tokens.map((each) => [each.content, each.id]));
  const escaped = (each) => each.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const longestFirst = [...ids.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(`(${longestFirst.join("|")})`, "u");
  return (text) => text.split(pattern).map((part, i) => (i % 2 ? { id: ids.get(part) } : { part }));
}
