// Tables from files and back: CSV and TSV as RFC 4180 and Python's csv have them, and JSON Lines.

const DELIMITERS = [",", ";", "\t", "|"];
const SAMPLE = 100_000; // characters by which the delimiter is guessed
const SAMPLED_ROWS = 500; // by which the columns are
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/; // what begins a formula, as OWASP lists it ("CSV Injection")
const NAMED = /^(texts?|message|tweet|sentence|comment|review|content|body|description|title)$/i;

/** What is wrong with a file, in a sentence. */
export class TableError extends Error {}

/** The characters of a file, and a word on how they were read where that was a guess. */
export const decoded = (bytes) => {
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    return { text: new TextDecoder(a === 0xff ? "utf-16le" : "utf-16be").decode(bytes), mark: true, note: "" };
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.startsWith("\ufeff") ? { text: text.slice(1), mark: true, note: "" } : { text, mark: false, note: "" };
  } catch {
    const text = new TextDecoder("windows-1252").decode(bytes);
    return {
      text,
      mark: false,
      note: "The file is no UTF-8 and was read as Windows-1252; what is downloaded is UTF-8.",
    };
  }
};

/** The rows of delimited text as lists of cells. Lines without a character are no rows; how many there were is `blank`. */
export const records = (text, delimiter) => {
  const plain =
    delimiter === null ? /[^\r\n]*/y : new RegExp(`[^\\r\\n${delimiter === "|" ? "\\|" : delimiter}]*`, "y");
  const rows = [];
  let row = [];
  let blank = 0;
  let at = 0;
  const rest = () => {
    plain.lastIndex = at;
    const [found] = plain.exec(text);
    at += found.length;
    return found;
  };
  while (at < text.length) {
    let cell = "";
    const quoted = text[at] === '"' && delimiter !== null;
    if (quoted) {
      at += 1;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0)
          throw new TableError(`Row ${rows.length + 1} has a cell that begins with a quotation mark and never ends.`);
        cell += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        cell += '"';
        at += 1;
      }
    }
    cell += rest();
    row.push(cell);
    if (delimiter !== null && text[at] === delimiter) {
      at += 1;
      if (at < text.length) continue;
      row.push(""); // the file ends behind a delimiter
    }
    if (row.length === 1 && cell === "" && !quoted) blank += 1;
    else rows.push(row);
    row = [];
    at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
  }
  rows.blank = blank;
  return rows;
};

/** The delimiter by which most rows have equally many cells, more than one; null where lines are cells, without quotes. */
export const delimiterOf = (text) => {
  const whole = text.length <= SAMPLE;
  const sample = whole ? text : text.slice(0, SAMPLE);
  let best = { delimiter: /^"/m.test(sample) ? "," : null, part: 0.9, width: 1 };
  for (const delimiter of DELIMITERS) {
    let rows;
    try {
      rows = records(sample, delimiter);
    } catch {
      continue; // the sample may end within a cell
    }
    if (!whole) rows.pop();
    const widths = new Map();
    for (const { length } of rows) widths.set(length, (widths.get(length) ?? 0) + 1);
    const [width, number] = [...widths].sort((a, b) => b[1] - a[1])[0] ?? [1, 0];
    const part = number / rows.length;
    if (width > 1 && (part > best.part || (part === best.part && width > best.width)))
      best = { delimiter, part, width };
  }
  return best.delimiter;
};

/** Whether the first row reads as names: short, all different, no number, and none of them found again in its column. */
export const hasHeader = (rows) => {
  const [first, ...others] = rows.slice(0, SAMPLED_ROWS);
  if (!others.length || new Set(first).size < first.length) return false;
  if (!first.every((cell) => cell.trim() && cell.length <= 60 && !NUMBER.test(cell))) return false;
  if (first.some((cell) => NAMED.test(cell.trim()))) return true;
  return first.every((cell, i) => !others.some((row) => row[i] === cell)) && first.length > 1;
};

/** The place of the column that holds the texts: of those that are called so, or else of all, the one with most letters. */
export const textColumn = (names, rows) => {
  const sample = rows.slice(0, SAMPLED_ROWS);
  const lengths = names.map((_, i) => sample.reduce((sum, row) => sum + (NUMBER.test(row[i]) ? 0 : row[i].length), 0));
  const called = lengths.map((length, i) => (NAMED.test(names[i].trim()) ? length : 0));
  const chosen = called.some(Boolean) ? called : lengths;
  return chosen.indexOf(Math.max(...chosen));
};

// Numbers keep their digits, all those of an id of twenty too, where the browser can (rawJSON).
const exact = (_, value, context) =>
  typeof value === "number" && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
const isExact = (value) => Boolean(JSON.isRawJSON?.(value));

const objects = (text) => {
  if (text.trimStart().startsWith("[")) {
    try {
      return JSON.parse(text, exact);
    } catch {
      throw new TableError("The file begins as a list of JSON and is none.");
    }
  }
  const lines = [];
  text.split(/\r?\n|\r/).forEach((line, i) => {
    if (!line.trim()) return;
    try {
      lines.push(JSON.parse(line, exact));
    } catch {
      throw new TableError(`Line ${i + 1} is no JSON.`);
    }
  });
  return lines;
};

const fromObjects = (items) => {
  const names = new Map();
  const rows = items.map((item, i) => {
    const object = typeof item === "string" ? { text: item } : item;
    if (object === null || typeof object !== "object" || Array.isArray(object) || isExact(object)) {
      throw new TableError(`Item ${i + 1} is neither an object nor a text.`);
    }
    for (const key of Object.keys(object)) if (!names.has(key)) names.set(key, names.size);
    return object;
  });
  const cell = (value) =>
    typeof value === "string" ? value : value === null ? "" : isExact(value) ? value.rawJSON : JSON.stringify(value);
  return {
    names: [...names.keys()],
    rows: rows.map((object) => [...names.keys()].map((key) => cell(Object.hasOwn(object, key) ? object[key] : null))),
  };
};

const fromRecords = (rows, header) => {
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const first = header ? rows[0] : [];
  const names = Array.from({ length: width }, (_, i) => first[i]?.trim() || `column ${i + 1}`);
  const body = header ? rows.slice(1) : rows;
  const uneven = body.filter((row) => row.length !== (header ? first.length : width)).length;
  return {
    names,
    uneven,
    rows: body.map((row) => (row.length < width ? [...row, ...Array(width - row.length).fill("")] : row)),
  };
};

/**
 * A file as a table: {names, rows, header, notes, mark}; every row has as many cells as there are names.
 *
 * @param reading {header: whether the first row holds names, delimiter: null where lines are cells}, each guessed where it
 *   is not given; the table has both as they were read, but null of JSON, where they are no question.
 */
export const tableOf = (file, bytes, reading = {}) => {
  const { text, mark, note } = decoded(bytes);
  const notes = note ? [note] : [];
  if (text.includes("\0"))
    throw new TableError(`${file} is no text: it holds null bytes. It may be CSV, TSV or JSON Lines.`);
  let table;
  if (/\.(jsonl|ndjson|json)$/i.test(file)) {
    table = { ...fromObjects(objects(text)), reading: null };
  } else {
    const tabs = /\.(tsv|tab)$/i.test(file) && text.includes("\t");
    const delimiter = reading.delimiter !== undefined ? reading.delimiter : tabs ? "\t" : delimiterOf(text);
    const rows = records(text, delimiter);
    const header = reading.header ?? hasHeader(rows);
    const { uneven, ...read } = fromRecords(rows, header);
    table = { ...read, reading: { header, delimiter } };
    if (rows.blank) notes.push(`${rows.blank} empty ${rows.blank === 1 ? "line is" : "lines are"} left out.`);
    if (uneven)
      notes.push(
        `${uneven} ${uneven === 1 ? "row has" : "rows have"} more or fewer cells than the others; missing ones are empty.`,
      );
  }
  if (!table.rows.length) throw new TableError(`${file} has no rows.`);
  return { ...table, notes, mark };
};

/** A cell that no spreadsheet runs as a formula: one that would be begins with an apostrophe; a number stays one. */
export const inert = (cell) => (FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell);

/** The columns that were labelled behind those that were there; what is called like one of them stays as `input.name`. */
export const widened = (names, added) => [
  ...names.map((each) => (added.includes(each) ? `input.${each}` : each)),
  ...added,
];

/** CSV that is safe to open in a spreadsheet, and how many cells were changed for that. */
export const csv = (names, rows) => {
  let changed = 0;
  const written = (cell) => {
    const safe = inert(cell);
    if (safe !== cell) changed += 1;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const line = (cells) => (cells.length === 1 && cells[0] === "" ? '""' : cells.map(written).join(","));
  return { text: `${[names, ...rows].map(line).join("\n")}\n`, changed };
};
