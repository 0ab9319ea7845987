// Whether the texts that are served have moved away from the training data.

import { count, make, name, table } from "./dom.js";

const percent = (value) => `${(100 * value).toFixed(1)}%`;

const time = (seconds) =>
  make(
    "time",
    { datetime: new Date(1000 * seconds).toISOString() },
    new Date(1000 * seconds).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }),
  );

const row = ({ quantity, changed, distance, moved }, alarmed) =>
  make(
    "tr",
    {},
    make("td", {}, quantity),
    make(
      "td",
      {},
      make("span", { class: alarmed ? "alarm" : changed ? "" : "calm" }, alarmed ? "changed" : "as in training"),
    ),
    make("td", { class: "number" }, percent(distance)),
    make("td", {}, ...(moved ? [name(moved.what), `: ${percent(moved.before)} then, ${percent(moved.now)} now`] : [])),
  );

/** The state of one model as elements: what is said of it, then each quantity of the last window. */
export const driftOf = (state) => {
  if (!state) return [make("p", {}, "Nothing is known yet.")];
  const { watched, windows = [], alarms = [], last = [], said = "", note = "" } = state;
  const alarmed = new Set(alarms.map((each) => each.quantity));
  const parts = [make("p", { class: alarms.length ? "wrong" : "" }, said)];
  if (note) parts.push(make("p", { class: "note" }, note));
  if (!watched || !windows.length) return parts;
  const latest = windows[windows.length - 1];
  parts.push(
    make(
      "p",
      { class: "note" },
      "The last window: ",
      time(latest.start),
      " to ",
      time(latest.end),
      `, ${count(latest.texts)} texts, ${count(latest.looked_at)} of them looked at.`,
    ),
  );
  // An alarm of a longer stretch stands although the last window alone shows nothing: then the alarm's own figures count.
  const known = new Map(last.map((each) => [each.quantity, each]));
  for (const each of alarms) known.set(each.quantity, { ...each.change, quantity: each.quantity });
  parts.push(
    table(
      "What moved",
      ["of the texts", "state", "others", "what moved most"].map((each, i) =>
        make("th", { scope: "col", class: i === 2 ? "number" : undefined }, each),
      ),
      [...known.values()].map((each) => row(each, alarmed.has(each.quantity))),
    ),
  );
  return parts;
};
