// A model card: the part of Markdown that cards are written in, as elements around plain text. HTML in it stays text.

import { make, table } from "./dom.js";

const ESCAPE = /\\([\\`*_{}[\]()#+\-.!<>|])/;
const INLINE = new RegExp(
  [
    ESCAPE.source,
    "(`+)(.+?)\\2",
    "\\*\\*(.+?)\\*\\*",
    "\\*(\\S(?:.*?\\S)?)\\*",
    "\\[([^\\]]*)\\]\\(([^)\\s]*)\\)",
  ].join("|"),
);

/** Words of a line. Links are given as what they say and where they lead, in letters. */
export const inline = (text) => {
  const pieces = [];
  let rest = text;
  for (let found = INLINE.exec(rest); found; found = INLINE.exec(rest)) {
    const [whole, escaped, , code, bold, slanted, said, to] = found;
    pieces.push(rest.slice(0, found.index));
    if (escaped !== undefined) pieces.push(escaped);
    else if (code !== undefined) pieces.push(make("code", {}, code));
    else if (bold !== undefined) pieces.push(make("strong", {}, ...inline(bold)));
    else if (slanted !== undefined) pieces.push(make("em", {}, ...inline(slanted)));
    else pieces.push(...inline(said), to && to !== said ? ` (${to})` : "");
    rest = rest.slice(found.index + whole.length);
  }
  return [...pieces, rest];
};

const cells = (line) => {
  const found = [];
  let cell = "";
  const inner = line.trim().replace(/^\|/, "");
  for (let i = 0; i < inner.length; i += 1) {
    if (inner[i] === "\\" && i + 1 < inner.length) cell += inner[i] + inner[(i += 1)];
    else if (inner[i] === "|") {
      found.push(cell.trim());
      cell = "";
    } else cell += inner[i];
  }
  return cell.trim() ? [...found, cell.trim()] : found;
};

const RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-*:?\s*)*\|?\s*$/;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const FENCE = /^(`{3,}|~{3,})/;

const figure = (cell) => {
  const interval = /^(\S+) (\[\S+, \S+\])$/.exec(cell);
  return interval ? [interval[1], make("span", { class: "interval" }, interval[2])] : inline(cell);
};

const tableFrom = (lines) => {
  const [head, rule, ...body] = lines.map(cells);
  const number = (i) =>
    rule[i]?.endsWith(":") && body.every((row) => !/[^\W\d]{3}/.test(row[i] ?? "")) ? "number" : undefined;
  return table(
    head.filter(Boolean)[0] ?? "table",
    head.map((cell, i) => (cell ? make("th", { scope: "col", class: number(i) }, ...inline(cell)) : make("td"))),
    body.map((row) =>
      make(
        "tr",
        {},
        row.map((cell, i) => make("td", { class: number(i) }, ...figure(cell))),
      ),
    ),
  );
};

/** The elements of a card; the head in YAML is left out, and its headings begin at the second level. */
export const rendered = (markdown) => {
  const lines = markdown.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "").split(/\r?\n/);
  const blocks = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const fence = FENCE.exec(line)?.[1];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const begun = i;
    const run = (goesOn) => {
      while (i < lines.length && goesOn(lines[i])) i += 1;
      return lines.slice(begun, i);
    };
    if (fence) {
      i += 1;
      const inner = run((each) => !each.startsWith(fence)).slice(1);
      i += 1;
      blocks.push(make("pre", { tabindex: "0" }, make("code", {}, inner.join("\n"))));
    } else if (heading) {
      i += 1;
      blocks.push(make(heading[1].length < 3 ? "h2" : "h3", {}, ...inline(heading[2])));
    } else if (line.trim().startsWith("|") && RULE.test(lines[i + 1] ?? "")) {
      blocks.push(tableFrom(run((each) => each.trim().startsWith("|"))));
    } else if (ITEM.test(line)) {
      const items = run((each) => ITEM.test(each) || (each.trim() && /^\s/.test(each)));
      const joined = [];
      for (const each of items) {
        const item = ITEM.exec(each);
        if (item) joined.push(item[2]);
        else joined[joined.length - 1] += ` ${each.trim()}`;
      }
      blocks.push(
        make(
          ITEM.exec(line)[1] ? "ol" : "ul",
          {},
          joined.map((each) => make("li", {}, ...inline(each))),
        ),
      );
    } else if (!line.trim()) {
      i += 1;
    } else {
      i += 1;
      blocks.push(
        make(
          "p",
          {},
          ...inline(
            [
              line,
              ...run(
                (each) =>
                  each.trim() &&
                  !FENCE.test(each) &&
                  !/^#{1,6}\s/.test(each) &&
                  !ITEM.test(each) &&
                  !each.trim().startsWith("|"),
              ).slice(1),
            ].join(" "),
          ),
        ),
      );
    }
  }
  return blocks;
};
