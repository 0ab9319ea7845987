// The model: how good it is, its card, its report, and whether what it is asked has moved away from its training data.

import { call, hasKey, Problem, response } from "./api.js";
import { rendered } from "./card.js";
import { at, count, make } from "./dom.js";
import { driftOf } from "./drift.js";

const SHOWN = ["accuracy", "f1_macro", "f1_micro", "subset_accuracy", "log_loss", "ece"];
const NAMES = { f1_macro: "macro-F1", f1_micro: "micro-F1", ece: "calibration error" };
const EVERY = 30_000; // milliseconds between looks at the drift

export class About {
  constructor(hasDrift) {
    this.hasDrift = hasDrift;
    setInterval(() => document.hidden || this.lookAtDrift(), EVERY);
  }

  use(model) {
    this.model = model;
    at("card").hidden = !model.card;
    at("card").replaceChildren(...rendered(model.card ?? ""));
    this.showMetrics(model.metrics);
    this.showReport();
    this.lookAtDrift();
  }

  showMetrics(evaluation) {
    const values = evaluation?.metrics ?? {};
    const shown = [...new Set([evaluation?.headline, ...SHOWN])].filter((each) => values[each]);
    at("metrics").hidden = !shown.length;
    at("metrics").querySelector("dl")?.remove();
    const item = (each) => {
      const { value, low, high } = values[each];
      const interval = Number.isFinite(low)
        ? make("span", { class: "interval" }, `[${low.toFixed(3)}, ${high.toFixed(3)}]`)
        : null;
      return make(
        "div",
        {},
        make("dt", {}, NAMES[each] ?? each.replaceAll("_", " ")),
        make("dd", {}, value.toFixed(3), interval),
      );
    };
    at("metrics").append(make("dl", {}, shown.map(item)));
    at("metrics-rows").textContent = evaluation?.n ? `On ${count(evaluation.n)} test rows, with 95 % intervals.` : "";
  }

  /** A link; where a key is needed, which a link cannot carry, the report is fetched and saved. */
  showReport() {
    const path = `v1/models/${encodeURIComponent(this.model.name)}/report`;
    at("report-line").hidden = !this.model.has_report;
    at("report").href = path;
    at("report").onclick = !hasKey()
      ? null
      : async (event) => {
          event.preventDefault();
          const file = await (await response(path)).blob();
          const link = make("a", { href: URL.createObjectURL(file), download: `${this.model.name}.report.html` });
          link.click();
          URL.revokeObjectURL(link.href);
        };
  }

  async lookAtDrift() {
    if (!this.hasDrift) return;
    const { model } = this;
    try {
      const { models } = await call("v1/drift");
      if (model !== this.model) return;
      at("drift").hidden = false;
      at("drift-state").replaceChildren(...driftOf(models[model.name]));
      at("alarm").hidden = !models[model.name]?.alarms?.length;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      at("drift").hidden = false;
      at("drift-state").replaceChildren(make("p", {}, error.message));
    }
  }
}
