// Classes as bars: how probable each is, its threshold, and what moved.

import { count, heard, make, name, share, signed } from "./dom.js";

const MOST = 12; // labels that are shown until all are wished for
const LEAST_MOVE = 0.0005; // below that the figures read alike

export class Bars {
  /** In an empty list; rows stay the same elements for as long as their labels are shown, so that bars grow and shrink. */
  constructor(list, more) {
    this.list = list;
    this.more = more;
    this.rows = new Map();
    this.all = false;
    more.addEventListener("click", () => {
      this.all = !this.all;
      this.show(...this.last);
    });
  }

  clear() {
    this.rows.clear();
    this.list.replaceChildren();
    this.more.hidden = true;
  }

  /**
   * @param shares [{label, probability}], the highest first
   * @param given the labels that are predicted
   * @param marks Map of label to threshold; without a mark where there is none
   * @param before Map of label to the probability that the bar is compared with; null for no comparison
   */
  show(shares, given, marks, before) {
    this.last = [shares, given, marks, before];
    const places = new Map([...this.rows].map(([label, row]) => [label, row.getBoundingClientRect().top]));
    const shown = shares.filter((each, i) => this.all || i < MOST || given.includes(each.label));
    this.list.replaceChildren(
      ...shown.map((each) =>
        this.row(each, given.includes(each.label), marks.get(each.label), before?.get(each.label)),
      ),
    );
    for (const label of [...this.rows.keys()]) if (!shown.some((each) => each.label === label)) this.rows.delete(label);
    this.more.hidden = shares.length <= MOST;
    this.more.textContent = this.all ? `The first ${MOST}` : `All ${count(shares.length)} labels`;
    this.more.setAttribute("aria-expanded", String(this.all));
    this.glide(places);
  }

  row({ label, probability }, given, mark, before) {
    let row = this.rows.get(label);
    if (!row) {
      const track = make(
        "span",
        { class: "track", "aria-hidden": "true" },
        make("i", { class: "fill" }),
        make("i", { class: "was" }),
        make("i", { class: "mark" }),
      );
      row = make(
        "li",
        { class: "bar" },
        name(label, "label"),
        track,
        make("span", { class: "value" }),
        make("span", { class: "moved" }),
        heard(""),
      );
      this.rows.set(label, row);
    }
    const [, track, value, moved, said] = row.children;
    const [, was, line] = track.children;
    row.classList.toggle("given", given);
    row.style.setProperty("--p", probability);
    value.textContent = share(probability);
    line.hidden = mark === undefined;
    if (mark !== undefined) row.style.setProperty("--mark-at", mark);
    const change = before === undefined ? 0 : probability - before;
    const visible = Math.abs(change) >= LEAST_MOVE;
    was.hidden = !visible;
    if (visible) row.style.setProperty("--was", before);
    moved.textContent = visible ? signed(change, 3) : "";
    moved.className = `moved ${visible ? (change > 0 ? "up" : "down") : ""}`;
    said.textContent = `${given ? ", given" : ""}${mark === undefined ? "" : `, threshold ${share(mark)}`}`;
    return row;
  }

  /** Rows that change places are seen to do so. */
  glide(places) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const [label, row] of this.rows) {
      const way = (places.get(label) ?? NaN) - row.getBoundingClientRect().top;
      if (way && Math.abs(way) < 2000)
        row.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], {
          duration: 220,
          easing: "ease-out",
        });
    }
  }
}
