// From scores to probabilities, labels, and reasons to give none: `task`, `evaluation.calibration` and `decision`.

const CLIP = 1e-7; // of a confidence whose log odds are taken
const LEAST = 1e-6; // a probability; a member that is sure of itself and wrong must not outvote all others

const highest = (values) => values.reduce((a, b) => Math.max(a, b)); // of any number of them

/** Probabilities of k logits: a softmax, or the sigmoid of each where a text may have several labels. */
export function probabilitiesOf(logits, task) {
  if (task.multi_label) return logits.map((z) => (z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z))));
  const most = highest(logits), powers = logits.map((z) => Math.exp(z - most));
  const total = powers.reduce((a, b) => a + b);
  return powers.map((each) => each / total);
}

/** What makes probabilities of m scores, by a scale and a shift of each; of two labels there may be one score. */
export function calibrated(saved, prefix, task) {
  const [scale, shift] = ["scale", "shift"].map((name) => saved[prefix + name].values);
  return (scores) => {
    const logits = scores.map((score, j) => score * scale[j] + shift[j]);
    return probabilitiesOf(logits.length === 1 && !task.multi_label ? [0, ...logits] : logits, task);
  };
}

/** The weighted sum of the log odds of several members' probabilities. */
export function pooled(members, weights, task) {
  let scores;
  members.forEach((probabilities, i) => {
    const p = probabilities.map((each) => Math.min(Math.max(each, LEAST), 1 - LEAST));
    let odds = p.map((each) => (task.multi_label ? Math.log(each) - Math.log1p(-each) : Math.log(each)));
    if (odds.length === 2 && !task.multi_label) odds = [odds[1] - odds[0]];
    scores = odds.map((each, j) => (scores?.[j] ?? 0) + weights[i] * each);
  });
  return scores;
}

/** The places of the labels that are predicted. */
function decided(p, { task, thresholds, costs }) {
  const least = thresholds.map(Math.fround), places = p.map((_, j) => j);
  if (task.multi_label) return places.filter((j) => p[j] >= least[j]);
  const goods = costs
    ? places.map((j) => -places.reduce((sum, i) => sum + p[i] * costs[i][j], 0))
    : p.map((each, j) => (least.some((one) => one !== least[0]) ? Math.fround(each / least[j]) : each));
  return [goods.indexOf(highest(goods))];
}

/** How probable it is that what is predicted is right; of several labels, that all are. */
function confidenceOf(p, places, task) {
  if (!task.multi_label) return p[places[0]];
  return p.reduce((product, each, j) => product * (places.includes(j) ? each : 1 - each), 1);
}

/**
 * What is said of a text.
 * @param {{probabilities: number[], familiarity: ?number}} scored
 * @param manifest of the model
 * @returns {{label: ?string, labels: ?string[], reason: string, confidence: number, probabilities: object[],
 *   possible: ?string[]}} `label` of a single-label task or `labels`, null where no answer is given; the most probable
 *   first
 */
export function answerOf({ probabilities, familiarity }, manifest) {
  const { task, abstention } = manifest, p = probabilities.map(Math.fround), places = decided(p, manifest);
  const confidence = confidenceOf(p, places, task);
  const order = p.map((_, j) => j).sort((a, b) => p[b] - p[a] || a - b);
  const named = (some) => order.filter((j) => some.has(j)).map((j) => task.labels[j]);
  let reason = "";
  if (abstention?.sureness && confidence < abstention.sureness.threshold) reason = "unsure";
  if (abstention?.scope && inScope(confidence, familiarity, abstention.scope) < abstention.scope.threshold) {
    reason = "out of scope";
  }
  const floors = abstention?.sets?.floors;
  const predicted = new Set(places), given = reason ? null : named(predicted);
  return {
    ...(task.multi_label ? { labels: given } : { label: given?.[0] ?? null }),
    reason,
    confidence,
    probabilities: order.map((j) => ({ label: task.labels[j], probability: p[j] })),
    ...(floors && { possible: named(new Set(order.filter((j) => p[j] >= floors[j] || predicted.has(j)))) }),
  };
}

function inScope(confidence, familiarity, { confidence_spread: spread, familiarity_spread: familiar }) {
  const sure = Math.min(Math.max(confidence, CLIP), 1 - CLIP), score = Math.log(sure / (1 - sure)) / spread;
  return familiar !== null && familiarity !== null ? score + familiarity / familiar : score;
}
