// A classifier of textgraft in the browser: `const model = await load("model/"); await model.answer("a text")`.

import { filesBelow } from "./files.js";
import { features, finetune, recurrent } from "./network.js";
import { ngrams } from "./ngrams.js";
import { answerOf, calibrated, pooled } from "./probabilities.js";
import { normaliser } from "./text.js";

const METHODS = { majority, ngrams, recurrent, features, finetune, stack };

/**
 * Opens the model in a folder, with the file that `textgraft export --runtime web` wrote beside it.
 * @returns {Promise<{manifest: object, answer: function(string): Promise<object>}>} see `answerOf`
 */
export async function load(folder = "model/", page = "web.json") {
  const base = new URL(folder, document.baseURI), files = filesBelow(base);
  const [manifest, { unassigned, facts }] = await Promise.all([
    files.json("textgraft.json"),
    filesBelow(document.baseURI).json(page),
  ]);
  const { method, parameters, task } = manifest, normal = normaliser(unassigned);
  const scored = await member({ files, manifest, task, normal }, { method, parameters, facts });
  return { manifest, answer: async (text) => answerOf(await scored(text.toWellFormed()), manifest) };
}

/** What gives probabilities and familiarity of a text, read as the method reads it. */
async function member(model, { method, parameters, facts }) {
  const scored = await METHODS[method]({ ...model, parameters, facts });
  return (text) => scored(model.normal(text, parameters.unicode ?? "none"));
}

async function majority({ files }) {
  const { shares } = await files.json("majority.json");
  return async () => ({ probabilities: shares, familiarity: null });
}

async function stack(model) {
  const saved = await model.files.arrays("stack.safetensors"), weights = saved.weights.values;
  const calibration = calibrated(saved, "calibration.", model.task);
  const members = await Promise.all(
    model.parameters.members.map((each, i) => member(model, { ...each, facts: model.facts.members[i] })),
  );
  return async (text) => {
    const found = [];
    for (const scored of members) found.push(await scored(text));
    const known = model.facts.by_familiarity.map((i) => found[i].familiarity).find((each) => each !== null);
    const scores = pooled(found.map((each) => each.probabilities), weights, model.task);
    return { probabilities: calibration(scores), familiarity: known ?? null };
  };
}
