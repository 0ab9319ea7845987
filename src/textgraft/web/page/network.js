// Networks: token ids through the ONNX export by onnxruntime-web, in one thread, so that any web server will do.

import { head } from "./head.js";
import { probabilitiesOf } from "./probabilities.js";
import { wordCutter } from "./text.js";
import { tokenizerOf } from "./tokenizer.js";

const OVERLAP = 0.125; // of a window is seen again by the next one
const PAD_WORDS = 2, UNKNOWN = 1; // where the words of a vocabulary start, and what all others are

let opening;

async function opened({ files, manifest }) {
  opening ??= import("./onnxruntime/ort.wasm.min.mjs");
  const runtime = await opening;
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmPaths = new URL("./onnxruntime/", import.meta.url).href;
  runtime.env.logLevel = "error";
  const { files: [name] } = manifest.exports.find((each) => each.runtime === "onnx");
  const session = await runtime.InferenceSession.create(await files.bytes(name), { executionProviders: ["wasm"] });
  return async (ids) => {
    const tensor = (values) => new runtime.Tensor("int64", BigInt64Array.from(values, BigInt), [1, ids.length]);
    const { output } = await session.run({ input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) });
    return output.data;
  };
}

/** The outputs for the windows of a text as one, weighted by the tokens that each brings, or their maximum. */
async function windowed(model) {
  const { files, facts } = model, [run, content] = [await opened(model), await files.json("tokenizer.json")];
  const tokenize = tokenizerOf(content, facts), { before, after, pad, max_tokens: longest, long, maximum } = facts;
  const room = longest - before.length - after.length, step = room - Math.floor(room * OVERLAP);
  return async (text) => {
    const tokens = tokenize(text), end = long === "window" ? Math.max(tokens.length - room, 0) + step : 1;
    const last = Math.min(long === "window" ? Infinity : room, tokens.length) || 1;
    let pooled, seen = 0;
    for (let start = 0; start < end; start += step) {
      const piece = [...before, ...tokens.slice(start, start + room), ...after];
      const output = await run(piece.length ? piece : [pad]), stop = Math.min(start + room, tokens.length);
      const weight = tokens.length ? (stop - seen) / last : 1;
      pooled ??= new Float64Array(output.length).fill(maximum ? -Infinity : 0);
      output.forEach((each, i) => { pooled[i] = maximum ? Math.max(pooled[i], each) : pooled[i] + weight * each; });
      seen = stop;
    }
    return pooled;
  };
}

export async function features(model) {
  const vector = await windowed(model);
  const answer = head(await model.files.arrays("features.safetensors"), model.task);
  return async (text) => answer(await vector(text));
}

export async function finetune(model) {
  const logits = await windowed(model);
  return async (text) => ({ probabilities: probabilitiesOf([...(await logits(text))], model.task), familiarity: null });
}

export async function recurrent(model) {
  const [run, cut] = [await opened(model), wordCutter(model.facts)];
  const { words } = await model.files.json("vocabulary.json"), longest = model.facts.max_tokens ?? Infinity;
  const numbers = new Map(words.slice(PAD_WORDS).map((word, i) => [word, i + PAD_WORDS]));
  return async (text) => {
    const ids = cut(text).slice(0, longest).map((word) => numbers.get(word) ?? UNKNOWN);
    const logits = await run(ids.length ? ids : [UNKNOWN]);
    return { probabilities: probabilitiesOf([...logits], model.task), familiarity: null };
  };
}
