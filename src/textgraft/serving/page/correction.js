// The right label of a text, sent to a server that keeps such feedback.

import { call, Problem } from "./api.js";
import { at, listed, make, name } from "./dom.js";

export class Correction {
  constructor() {
    at("correct").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
  }

  use(model, hasFeedback) {
    this.model = model;
    this.text = null;
    at("correct").hidden = !hasFeedback;
    const choice = model.multi_label
      ? model.labels.map((label) =>
          make("label", { class: "check" }, make("input", { type: "checkbox", value: label }), name(label)),
        )
      : [
          make(
            "select",
            { "aria-label": "The right label" },
            model.labels.map((label) => make("option", { value: label }, label)),
          ),
        ];
    at("right").replaceChildren(...choice, make("button", {}, "Keep it"));
  }

  /** What is sent is about this text; the labels that the model gives are chosen to begin with. */
  about(text, prediction, given) {
    const changed = this.text !== text;
    this.text = text;
    this.id = prediction.id;
    this.version = prediction.version;
    if (!changed) return; // a choice that was made stays
    for (const box of at("right").querySelectorAll("input")) box.checked = given.includes(box.value);
    const list = at("right").querySelector("select");
    if (list) list.value = given[0];
    at("correct-note").textContent = "The text and the label are kept by the server, to train on later.";
  }

  async send() {
    const { multi_label: several, name: model } = this.model;
    const labels = several
      ? [...at("right").querySelectorAll("input:checked")].map((box) => box.value)
      : [at("right").querySelector("select").value];
    const body = {
      id: this.id,
      text: this.text,
      model,
      version: this.version,
      ...(several ? { labels } : { label: labels[0] }),
    };
    try {
      await call("v1/feedback", { body });
      at("correct-note").replaceChildren("Kept: ", ...listed(labels, "no label"), ".");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      at("correct-note").textContent = error.message;
    }
  }
}
