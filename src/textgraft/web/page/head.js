// A head on the vectors of a frozen encoder: linear or a kernel, calibrated, and votes of training texts (`heads`).

import { calibrated } from "./probabilities.js";

/** What makes probabilities, and the familiarity, of a vector of the encoder. */
export function head(saved, task) {
  const array = (name) => saved[name]?.values;
  const [weights, bias, landmarks] = [array("weights"), array("bias"), array("landmarks")];
  const [mean, scale, gamma] = [array("mean"), array("scale"), array("gamma")?.[0]];
  const m = bias.length, calibration = calibrated(saved, "calibration_", task);
  const kept = saved.kept_vectors && keptTexts(saved);
  const [share, sharpness] = array("votes") ?? [0, 1];
  const features = (x, distances) =>
    landmarks
      ? Array.from(landmarks, (place) => Math.exp(-gamma * Math.max(distances[place], 0)))
      : Array.from(x, (each, i) => (each - mean[i]) / scale[i]);
  return (x) => {
    const u = unit(x), distances = kept && kept.distances(u), scores = Array.from(bias);
    features(x, distances).forEach((each, i) => { for (let j = 0; j < m; j++) scores[j] += each * weights[i * m + j]; });
    let probabilities = calibration(scores);
    if (share) {
      const votes = kept.votes(distances, sharpness, probabilities.length);
      probabilities = probabilities.map((each, j) => (1 - share) * each + share * votes[j]);
    }
    return { probabilities, familiarity: kept ? kept.familiarity(u) : null };
  };
}

function unit(x) {
  const length = Math.sqrt(x.reduce((sum, each) => sum + each * each, 0));
  return Float64Array.from(x, (each) => (length > 0 ? each / length : each));
}

function keptTexts(saved) {
  const { values: vectors, shape: [s, d] } = saved.kept_vectors;
  const [starts, labels, weights] = ["kept_starts", "kept_labels", "kept_weights"].map((name) => saved[name].values);
  const rows = Array.from({ length: s }, (_, i) => vectors.subarray(i * d, (i + 1) * d));
  const dot = (a, b) => { let sum = 0; for (let i = 0; i < d; i++) sum += a[i] * b[i]; return sum; };
  const squares = rows.map((row) => dot(row, row));
  const most = Math.max(1, Math.round(Math.sqrt(s)));
  return {
    distances: (u) => rows.map((row, i) => dot(u, u) - 2 * dot(u, row) + squares[i]),
    votes: (distances, sharpness, k) => {
      const logits = distances.map((each, i) => Math.log(weights[i]) - sharpness * each);
      const highest = logits.reduce((a, b) => Math.max(a, b)), votes = new Float64Array(k);
      let total = 0;
      logits.forEach((each, i) => {
        const power = Math.exp(each - highest);
        total += power;
        for (let e = starts[i]; e < starts[i + 1]; e++) votes[labels[e]] += power;
      });
      return votes.map((each) => Math.min(each / total, 1));
    },
    familiarity: (u) => {
      const cosines = Float64Array.from(rows, (row, i) => dot(u, row) / (Math.sqrt(squares[i]) || 1)).sort();
      return cosines.slice(s - most).reduce((a, b) => a + b) / most;
    },
  };
}
