// A table: read in the browser, labelled by the server, and given back as CSV with its rows in their order.

import { Problem } from "./api.js";
import { at, count, counted, heard, labelsOf, make, name, shortened } from "./dom.js";
import { Labelling } from "./labelling.js";
import { csv, TableError, tableOf, textColumn, widened } from "./tables.js";

const MOST_BYTES = 100 * 2 ** 20;
const PREVIEWED = 3;
const SAMPLED = 10;
const MOST_IN_CELL = 300; // characters

const sentences = (list, lines) => list.replaceChildren(...lines.map((line) => make("li", {}, line)));

const filled = (table, names, rows, chosen) => {
  const kind = (i) => (i === chosen ? "chosen" : undefined);
  table.replaceChildren(
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        names.map((each, i) => make("th", { scope: "col", class: kind(i) }, name(each))),
      ),
    ),
    make(
      "tbody",
      {},
      rows.map((row) =>
        make(
          "tr",
          {},
          row.map((cell, i) => make("td", { class: kind(i) }, shortened(cell, MOST_IN_CELL))),
        ),
      ),
    ),
  );
};

export class TableOfTexts {
  constructor() {
    const drop = at("drop");
    at("file").addEventListener("change", () => this.take(at("file").files[0]));
    for (const kind of ["dragover", "dragleave", "drop"]) {
      document.addEventListener(kind, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", kind === "dragover");
        if (kind === "drop" && event.dataTransfer.files.length) this.take(event.dataTransfer.files[0]);
      });
    }
    at("header").addEventListener("change", () =>
      this.read({ header: at("header").checked, delimiter: at("delimiter").value || null }),
    );
    at("delimiter").addEventListener("change", () => this.read({ delimiter: at("delimiter").value || null }));
    at("column").addEventListener("change", () => this.preview());
    at("reading").addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    at("cancel").addEventListener("click", () => this.stopping?.abort());
    at("resume").addEventListener("click", () => this.label());
    this.onDrop = () => {};
  }

  /** What is at work goes on with the model that it began with. */
  use(model) {
    this.model = model;
    at("table-abstain-choice").hidden = !model.abstains;
  }

  trouble(sentence) {
    at("table-trouble").hidden = !sentence;
    at("table-trouble").textContent = sentence;
  }

  async take(file) {
    if (!file) return;
    this.onDrop();
    this.stopping?.abort();
    this.trouble("");
    for (const id of ["reading", "work", "labelled"]) at(id).hidden = true;
    if (file.size > MOST_BYTES) {
      this.trouble(
        `${file.name} has ${count(Math.ceil(file.size / 2 ** 20))} MB; a browser is given at most 100. The command textgraft predict labels files of any size.`,
      );
      return;
    }
    this.file = file.name;
    this.bytes = new Uint8Array(await file.arrayBuffer());
    at("file").value = ""; // the same file may be chosen again
    if (this.read()) at("file-name").focus();
  }

  read(wish) {
    try {
      this.table = tableOf(this.file, this.bytes, wish);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      this.trouble(error.message);
      return false;
    }
    this.trouble("");
    const { names, rows, notes, reading } = this.table;
    at("reading").hidden = false;
    at("file-name").textContent = `${this.file}: ${counted(rows.length, "row")}`;
    for (const id of ["header-choice", "delimiter-choice"]) at(id).hidden = !reading;
    at("header").checked = Boolean(reading?.header);
    at("delimiter").value = reading?.delimiter ?? "";
    at("column").replaceChildren(...names.map((each, i) => make("option", { value: i }, shortened(each, 60))));
    at("column").value = textColumn(names, rows);
    at("start").textContent = `Label ${counted(rows.length, "row")}`;
    sentences(at("table-notes"), notes);
    this.preview();
    return true;
  }

  get column() {
    return Number(at("column").value);
  }

  preview() {
    filled(at("preview"), this.table.names, this.table.rows.slice(0, PREVIEWED), this.column);
  }

  start() {
    const wish = { model: this.model.name };
    if (this.model.abstains) wish.abstain = at("table-abstain").checked;
    if (!at("every").checked) wish.top_k = 1;
    this.stopping?.abort();
    this.asked = {
      table: this.table,
      file: this.file,
      column: this.column,
      every: at("every").checked,
      abstain: Boolean(wish.abstain),
      model: this.model,
    };
    this.labelling = new Labelling(
      this.table.rows.map((row) => row[this.column]),
      wish,
    );
    this.label();
  }

  async label() {
    const { labelling } = this;
    const stopping = new AbortController();
    this.stopping = stopping;
    this.trouble("");
    at("labelled").hidden = true;
    at("work").hidden = false;
    at("cancel").focus();
    const begun = performance.now();
    const before = labelling.done;
    const told = (now, wait) => {
      if (stopping.signal.aborted) return;
      at("progress").value = now.done / now.texts.length;
      const left = (((performance.now() - begun) / Math.max(1, now.done - before)) * now.left) / 1000;
      const more = wait
        ? `The server is busy and is asked again in ${counted(Math.ceil(wait), "second")}.`
        : now.left && now.done > before
          ? `About ${counted(Math.ceil(left), "second")} left.`
          : "";
      at("pace").textContent = `${count(now.done)} of ${counted(now.texts.length, "row")}. ${more}`;
    };
    told(labelling, 0);
    try {
      await labelling.run(stopping.signal, told);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.trouble(
        `${error.message} ${counted(labelling.done, "row")} of ${count(labelling.texts.length)} were labelled.`,
      );
    }
    if (this.stopping !== stopping || this.labelling !== labelling) return; // another table is at work
    at("work").hidden = true;
    this.finish();
  }

  finish() {
    const { labelling, asked } = this;
    const known = labelling.prefix;
    const whole = known === labelling.texts.length;
    at("labelled").hidden = false;
    at("resume").hidden = whole;
    at("outcome").textContent = whole
      ? `${counted(known, "row")} labelled`
      : `Stopped: the first ${counted(known, "row")} of ${count(labelling.texts.length)} are labelled`;
    const found = labelling.found.slice(0, known);
    const { names, rows } = columns(asked, found);
    const { text, changed } = csv(names, rows);
    URL.revokeObjectURL(at("download").href);
    at("download").hidden = !known;
    at("download").href = URL.createObjectURL(
      new Blob([asked.table.mark ? "\ufeff" : "", text], { type: "text/csv;charset=utf-8" }),
    );
    at("download").download = `${asked.file.replace(/\.[^.]*$/, "")}.labelled.csv`;
    at("download").textContent = `Download ${at("download").download}`;
    this.notes(found, changed);
    this.counts(found);
    const first = Math.max(0, names.length - asked.table.names.length);
    const order = [asked.column, ...Array.from({ length: first }, (_, i) => asked.table.names.length + i)];
    filled(
      at("sample"),
      order.map((i) => names[i]),
      rows.slice(0, SAMPLED).map((row) => order.map((i) => row[i])),
      -1,
    );
    at("outcome").focus();
  }

  notes(found, changed) {
    const lines = [];
    const withheld = found.filter((each) => each.reason).length;
    const refused = found.filter((each) => each.refused);
    const cut = found.filter((each) => each.cut).length;
    const versions = new Set(found.filter((each) => each.version).map((each) => each.version));
    if (versions.size) lines.push(`By ${this.asked.model.name}, version ${[...versions].join(" and then ")}.`);
    if (withheld) lines.push(`${counted(withheld, "row")} got no label; the column abstained says why.`);
    if (refused.length)
      lines.push(
        `${counted(refused.length, "row was", "rows were")} refused by the server; the column refused says why. The first: ${refused[0].refused}`,
      );
    if (cut) lines.push(`${counted(cut, "text is", "texts are")} longer than the model reads; the end played no part.`);
    if (changed)
      lines.push(
        `${counted(changed, "cell begins", "cells begin")} with an apostrophe now, since a spreadsheet would have run ${changed === 1 ? "it" : "them"} as ${changed === 1 ? "a formula" : "formulas"}.`,
      );
    sentences(at("outcome-notes"), lines);
  }

  counts(found) {
    const numbers = new Map();
    for (const each of found)
      if (!each.refused)
        for (const label of each.reason ? [] : labelsOf(each)) numbers.set(label, (numbers.get(label) ?? 0) + 1);
    const most = Math.max(1, ...numbers.values());
    at("counts").replaceChildren(
      ...[...numbers]
        .sort((a, b) => b[1] - a[1])
        .slice(0, 12)
        .map(([label, number]) => {
          const row = make(
            "li",
            { class: "bar given" },
            name(label, "label"),
            make("span", { class: "track", "aria-hidden": "true" }, make("i", { class: "fill" })),
            make("span", { class: "value" }, count(number)),
            heard(" rows"),
          );
          row.style.setProperty("--p", number / most);
          return row;
        }),
    );
  }
}

/** The columns of the table and those of the answers, as they stand in the file. */
const columns = ({ table, every, abstain, model }, found) => {
  const refused = found.some((each) => each.refused);
  const sets = found.some((each) => each.possible);
  const added = [
    "label",
    "probability",
    ...(abstain ? ["abstained"] : []),
    ...(sets ? ["possible"] : []),
    ...(refused ? ["refused"] : []),
    ...(every ? model.labels.map((label) => `p(${label})`) : []),
  ];
  const digits = (value) => (Number.isFinite(value) ? String(Math.round(value * 1e6) / 1e6) : "");
  const rows = found.map((each, i) => {
    const shares = new Map(each.probabilities?.map((one) => [one.label, one.probability]) ?? []);
    const answer = each.refused ? ["", ""] : [each.reason ? "" : labelsOf(each).join(";"), digits(each.confidence)];
    return [
      ...table.rows[i],
      ...answer,
      ...(abstain ? [each.reason ?? ""] : []),
      ...(sets ? [(each.possible ?? []).join(";")] : []),
      ...(refused ? [each.refused ?? ""] : []),
      ...(every ? model.labels.map((label) => digits(shares.get(label))) : []),
    ];
  });
  const names = widened(table.names, added);
  return { names, rows };
};
