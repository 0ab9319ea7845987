// A linear model on the TF-IDF of words and of characters within words: `methods.ngrams`, one text at a time.

import { calibrated } from "./probabilities.js";
import { wordCutter } from "./text.js";

export async function ngrams({ files, task, facts }) {
  const [saved, content] = [await files.arrays("ngrams.safetensors"), await files.json("ngrams.json")];
  const array = (name) => saved[name].values;
  const [weights, bias, idf] = [array("weights"), array("bias"), array("words.idf")];
  const m = bias.length, cut = wordCutter(facts), calibration = calibrated(saved, "calibration.", task);
  const words = numbered(content.words), w = words.size, t = idf.length;
  const levels = longer(saved, w);
  const characters = content.characters && characterSums(content.characters, array("characters.idf"), weights, t, m);

  /** Log counts of known n-grams by their number, and of all words by themselves. */
  const counted = (text) => {
    const tokens = cut(text), known = new Map(), all = new Map();
    const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
    const ids = tokens.map((token) => words.get(token) ?? -1);
    tokens.forEach((token, i) => { add(all, token); if (ids[i] >= 0) add(known, ids[i]); });
    let level = ids;
    levels.forEach(({ pairs, before }, n) => {
      const size = n + 2;
      level = tokens.map((_, i) => {
        const last = ids[i + size - 1];
        return level[i] >= 0 && last >= 0 ? pairs.get(level[i] * w + last) ?? -1 : -1;
      });
      for (const place of level) if (place >= 0) add(known, before + place);
    });
    for (const map of [known, all]) for (const [key, n] of map) map.set(key, 1 + Math.log(n));
    return { known, all };
  };

  const scores = ({ known, all }) => {
    const byWord = new Float64Array(m), byCharacter = new Float64Array(m);
    let wordSquares = 0, characterSquares = 0;
    for (const [id, count] of known) {
      const value = count * idf[id];
      wordSquares += value * value;
      for (let j = 0; j < m; j++) byWord[j] += value * weights[id * m + j];
    }
    for (const [word, count] of characters ? all : []) {
      const { sums, squares } = characters(word);
      characterSquares += count * count * squares;
      for (let j = 0; j < m; j++) byCharacter[j] += count * sums[j];
    }
    const part = (sum, squares) => (squares > 0 ? sum / Math.sqrt(squares) : 0);
    return Array.from(bias, (b, j) => b + part(byWord[j], wordSquares) + part(byCharacter[j], characterSquares));
  };

  return async (text) => {
    const counts = counted(text);
    let known = 0;
    for (const word of counts.all.keys()) known += words.has(word);
    return { probabilities: calibration(scores(counts)), familiarity: known / Math.max(counts.all.size, 1) };
  };
}

const numbered = (names) => new Map(names.map((name, i) => [name, i]));

/** For 2, 3, ... words: the number of each known n-gram by that of its prefix and of its last word. */
function longer(saved, w) {
  const levels = [];
  for (let size = 2, before = w; saved[`words.pairs.${size}`]; size++) {
    const { values, shape: [count] } = saved[`words.pairs.${size}`], pairs = new Map();
    for (let i = 0; i < count; i++) pairs.set(values[2 * i] * w + values[2 * i + 1], i);
    levels.push({ pairs, before });
    before += count;
  }
  return levels;
}

/** What the n-grams within a word add to the m scores, and the square of their length; computed once for a word. */
function characterSums({ sizes: [least, most], grams }, idf, weights, t, m) {
  const numbers = numbered(grams), found = new Map();
  return (word) => {
    if (found.has(word)) return found.get(word);
    const padded = Array.from(` ${word} `), counts = new Map(), sums = new Float64Array(m);
    for (let start = 0; padded.length > 3 && start < padded.length; start++) {
      for (let end = start + least; end <= Math.min(start + most, padded.length); end++) {
        const number = numbers.get(padded.slice(start, end).join(""));
        if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
      }
    }
    let squares = 0;
    for (const [number, count] of counts) {
      const value = count * idf[number];
      squares += value * value;
      for (let j = 0; j < m; j++) sums[j] += value * weights[(t + number) * m + j];
    }
    if (found.size > 100_000) found.clear();
    found.set(word, { sums, squares });
    return { sums, squares };
  };
}
