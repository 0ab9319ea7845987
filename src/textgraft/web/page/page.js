// The page: a text, and what the model says of it, as it is written.

import { load } from "./classifier.js";

const MOST_BARS = 20;
const SAID = {
  unsure: "No answer: the model is not sure enough of this text.",
  "out of scope": "No answer: this text is unlike all that the model was trained for.",
};
const [state, text, answer, bars] = ["state", "text", "answer", "bars"].map((id) => document.getElementById(id));

function element(name, attributes = {}, ...content) {
  const svg = ["svg", "rect", "line"].includes(name);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** The bar of a label; where a text may have several, with a line at the probability from which it is given. */
function bar(label, probability, threshold, given) {
  const shape = element("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    element("rect", { width: 100 * probability, height: 10 }));
  if (threshold !== null) shape.append(element("line", { x1: 100 * threshold, x2: 100 * threshold, y1: 0, y2: 10 }));
  const share = element("span", {}, `${(100 * probability).toFixed(1)} %`);
  return element("li", given ? { class: "given" } : {}, element("span", {}, label), shape, share);
}

function show(said, { task, thresholds }) {
  const given = said.labels ?? (said.label === null || said.label === undefined ? [] : [said.label]);
  answer.textContent = SAID[said.reason] ?? (given.join(", ") || "None of the labels");
  if (said.possible && (said.reason || said.possible.length > 1)) {
    answer.textContent += ` Possible: ${said.possible.join(", ") || "none"}.`;
  }
  const line = (label) => (task.multi_label ? thresholds[task.labels.indexOf(label)] : null);
  bars.replaceChildren(...said.probabilities.slice(0, MOST_BARS).map(({ label, probability }) =>
    bar(label, probability, line(label), given.includes(label))));
}

/** Answers what stands in the box, and what is written meanwhile after it; never two texts at once. */
function answering(model) {
  let busy = false, shown = null;
  return async () => {
    if (busy) return;
    busy = true;
    try {
      while (shown !== text.value) {
        const asked = text.value;
        const said = asked.trim() ? await model.answer(asked) : null;
        if (said) show(said, model.manifest);
        else { answer.textContent = ""; bars.replaceChildren(); }
        shown = asked;
      }
    } catch (error) {
      state.textContent = `The text cannot be classified: ${error.message}`;
    } finally {
      busy = false;
    }
  };
}

state.textContent = "Reading the model …";
try {
  const model = await load();
  const { task, method } = model.manifest, several = task.multi_label ? "any of" : "one of";
  state.textContent = `${method}, ${several} ${task.labels.length.toLocaleString("en")} labels.`;
  text.addEventListener("input", answering(model));
  text.disabled = false;
  text.focus();
} catch (error) {
  state.textContent = `The model cannot be read: ${error.message}`;
}
