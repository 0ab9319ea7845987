// One text: asked for while it is written, the newest answer alone is shown, and what moved since before the edit.

import { pause, predict, Problem } from "./api.js";
import { Bars } from "./bars.js";
import { Correction } from "./correction.js";
import { at, count, counted, labelsOf, listed, make, name, same, share, signed } from "./dom.js";
import { heaviest, marked, spansOf } from "./words.js";

const TYPING = 150; // milliseconds without a key until the text is asked for
const SETTLED = 450; // more of them until its words and neighbours are
const REST = 2000; // milliseconds after which a change begins a new edit
const NEIGHBOURS = 5;
const TOLD = 3; // labels of which is said how they moved

export class OneText {
  constructor() {
    this.bars = new Bars(at("bars"), at("all-bars"));
    this.correction = new Correction();
    this.field = at("words");
    this.asking = new AbortController();
    this.touched = 0;
    this.onVersion = () => {};
    this.field.addEventListener("input", () => this.edited());
    at("abstain").addEventListener("change", () => this.ask(0));
  }

  /** Another model: what was said by the one before is no comparison. */
  use(model, hasFeedback) {
    this.model = model;
    this.answer = null;
    this.before = null;
    at("abstain-choice").hidden = !model.abstains;
    this.correction.use(model, hasFeedback);
    this.bars.clear();
    this.ask(0);
  }

  edited() {
    const now = performance.now();
    if (now - this.touched > REST) this.before = this.answer;
    this.touched = now;
    this.ask(TYPING);
  }

  /** Asks for the text as it now stands; questions that are under way are taken back. */
  async ask(wait) {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    const text = this.field.value;
    at("words-note").textContent = text ? counted([...text].length, "character") : "The answer comes as you write.";
    if (!text.trim()) {
      this.clear();
      return;
    }
    at("answer").classList.add("stale");
    await pause(wait, signal);
    const fresh = await this.answered(text, {}, signal);
    if (!fresh) return;
    this.show(text, fresh);
    if (this.model.explains || this.model.neighbours) {
      await pause(SETTLED, signal);
      const wish = {
        explain: Boolean(this.model.explains),
        ...(this.model.neighbours ? { neighbours: NEIGHBOURS } : {}),
      };
      const full = await this.answered(text, wish, signal);
      if (!full) return;
      this.show(text, full);
      this.showWords(text, full.explanation);
      this.showNeighbours(full.neighbours);
    }
    this.say();
  }

  /** The prediction, or null where it is no longer wanted or cannot be had, which is said. A busy server is asked again. */
  async answered(text, wish, signal) {
    const body = { texts: [text], model: this.model.name, ...wish };
    if (this.model.abstains) body.abstain = at("abstain").checked;
    while (!signal.aborted) {
      try {
        const { predictions, version } = await predict(body, signal);
        if (signal.aborted) return null;
        this.trouble("");
        if (version !== this.model.version) this.onVersion(version);
        return { ...predictions[0], version };
      } catch (error) {
        if (signal.aborted) return null;
        if (!(error instanceof Problem)) throw error;
        const busy = error.status === 429 || error.status === 503;
        const wait = error.retryAfter ?? 1;
        this.trouble(
          busy ? `${error.message} It is asked again in ${counted(Math.ceil(wait), "second")}.` : error.message,
        );
        if (!busy) return null;
        await pause(1000 * wait, signal);
      }
    }
    return null;
  }

  trouble(sentence) {
    at("text-trouble").hidden = !sentence;
    at("text-trouble").textContent = sentence;
  }

  clear() {
    this.answer = null;
    this.before = null;
    this.bars.clear();
    this.trouble("");
    for (const id of ["answer", "mattered", "near"]) at(id).hidden = true;
    at("said").textContent = "";
  }

  show(text, prediction) {
    const given = prediction.reason ? [] : labelsOf(prediction);
    const shares = prediction.probabilities;
    this.answer = {
      given,
      reason: prediction.reason,
      shares: new Map(shares.map((each) => [each.label, each.probability])),
    };
    const panel = at("answer");
    panel.hidden = false;
    panel.classList.remove("stale");
    panel.classList.toggle("withheld", Boolean(prediction.reason));
    const shown = at("label");
    shown.classList.toggle("none", !given.length);
    const words = listed(given, prediction.reason ? `No answer: ${prediction.reason}` : "No label");
    const figure = given.length === 1 ? share(this.answer.shares.get(given[0]) ?? prediction.confidence) : null;
    shown.replaceChildren(...words, ...(figure ? [" ", make("span", { class: "figure" }, figure)] : []));
    at("why").replaceChildren(...this.why(prediction, given));
    const marks = this.marks(prediction);
    this.bars.show(
      shares,
      given.length ? given : prediction.reason ? [shares[0].label] : [],
      marks,
      this.before?.shares,
    );
    this.showLegend(marks);
    this.showChange(given);
    this.correction.about(text, prediction, given.length ? given : [shares[0].label]);
  }

  why({ reason, possible, cut, confidence, probabilities }, given) {
    const [first] = probabilities;
    const parts = [];
    const { answers_from: floor, multi_label: several } = this.model;
    if (reason === "unsure") {
      parts.push("The most probable is ", name(first.label), ` with ${share(first.probability)}`);
      parts.push(
        floor
          ? `; answers are given from ${several ? "a confidence of " : ""}${share(floor)} on. `
          : ", which is too unsure to answer. ",
      );
    } else if (reason) {
      parts.push("The text is unlike those that the model was trained on. ");
    } else if (!given.length) {
      parts.push("No label reaches its threshold. ");
    } else if (given.length > 1) {
      parts.push(`That all of them are right, and none is missing, has a probability of ${share(confidence)}. `);
    }
    if (possible?.length && !same(possible, given)) parts.push("Possible: ", ...listed(possible), ". ");
    if (cut) parts.push("The text is longer than the model reads: its end played no part.");
    return parts;
  }

  /** The thresholds to draw: those of the labels where they decide, or the least confidence of an answer. */
  marks(prediction) {
    const { labels, thresholds, multi_label: several, answers_from: floor } = this.model;
    if (Array.isArray(prediction.thresholds ?? thresholds)) {
      const values = prediction.thresholds ?? thresholds;
      if (several || values.some((value) => value !== values[0]))
        return new Map(labels.map((label, i) => [label, values[i]]));
    }
    if (!several && floor && at("abstain").checked) return new Map(labels.map((label) => [label, floor]));
    return new Map();
  }

  showLegend(marks) {
    const { labels, multi_label: several, answers_from: floor } = this.model;
    const parts = [];
    const line = (kind, sentence) =>
      parts.push(make("span", {}, make("i", { class: kind, "aria-hidden": "true" }), sentence));
    if (marks.size && (several || labels.length === 2)) line("key-mark", "threshold: a label is given from there on");
    else if (marks.size && floor && [...marks.values()].every((value) => value === floor))
      line("key-mark", `an answer is given from ${share(floor)} on`);
    else if (marks.size)
      line("key-mark", "threshold: the label is given whose probability is the largest multiple of its own");
    if (this.before) line("key-was", "before the edit");
    at("legend").replaceChildren(...parts);
  }

  showChange(given) {
    const parts = [];
    if (this.before) {
      const moves = [...this.answer.shares].map(([label, p]) => [label, p - (this.before.shares.get(label) ?? p)]);
      const largest = moves
        .filter((each) => Math.abs(each[1]) >= 0.0005)
        .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
        .slice(0, TOLD);
      parts.push(largest.length ? "Since before the edit: " : "The edit moved nothing.");
      largest.forEach(([label, by], i) => parts.push(i ? ", " : "", name(label), ` ${signed(by, 3)}`));
      if (largest.length) parts.push(same(given, this.before.given) ? "." : "; the answer was ");
      if (largest.length && !same(given, this.before.given)) parts.push(...listed(this.before.given, "none"), ".");
    }
    at("change").replaceChildren(...parts);
  }

  showWords(text, explanation) {
    at("mattered").hidden = !explanation;
    if (!explanation) return;
    const spans = spansOf(text, explanation.words);
    at("marked").replaceChildren(...marked(text, spans));
    at("weights").replaceChildren(...heaviest(text, spans));
    const against = spans.some((span) => span.weight < 0) ? " What is underlined speaks against it." : "";
    at("meaning").textContent = `${explanation.said}${against}`;
  }

  showNeighbours(neighbours) {
    at("near").hidden = !neighbours?.length;
    at("neighbours").replaceChildren(
      ...(neighbours ?? []).map((each) =>
        make(
          "li",
          {},
          make("p", {}, each.text ?? `Training text ${count(each.row + 1)}`),
          make(
            "div",
            { class: "meta" },
            make("span", {}, ...listed(labelsOf(each))),
            make("span", {}, `similarity ${each.similarity.toFixed(3)}`),
          ),
        ),
      ),
    );
  }

  /** For screen readers, once the text has come to rest. */
  say() {
    at("said").textContent = `${at("label").textContent}. ${at("why").textContent} ${at("change").textContent}`;
  }
}
