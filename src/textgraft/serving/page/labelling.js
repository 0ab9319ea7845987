// Many texts through the server: in batches, as fast as it takes them and no faster than it asks for.

import { pause, predict, Problem } from "./api.js";

const FIRST = 32; // texts of the first batch, and the fewest for being slow alone
const MOST = 512;
const MOST_CHARACTERS = 200_000; // of a batch, unless one text has more
const QUICK = 400; // milliseconds; a batch that takes less is followed by a larger one
const SLOW = 1500;
const TRIES = 4; // at what may pass: no answer, or an error of the server
const TEXT = /^\/texts\/(\d+)$/; // what a problem points at, as JSON pointers have it
const AT_ONCE = 2; // batches under way, so that the server need not wait for the page

/**
 * Labels of texts, each at its own place. It can be stopped by a signal and go on later: what is known stays known.
 *
 * A batch that the server finds too large is halved, down to a single text, which is then refused and says why; so is one
 * for which it has no room twice.
 */
export class Labelling {
  /** @param texts of the rows; @param wish what goes with the texts in each request */
  constructor(texts, wish) {
    this.texts = texts;
    this.wish = wish;
    this.found = new Array(texts.length).fill(null); // a prediction, or {refused: sentence}
    this.done = 0;
    this.size = FIRST;
    this.most = MOST;
    this.waiting = []; // pieces [start, end) to be sent again
    this.next = 0;
  }

  /** @param told(labelling, wait) after every batch, with the seconds that the server asks to wait for. */
  async run(signal, told) {
    const stop = new AbortController();
    signal.addEventListener("abort", () => stop.abort(), { once: true });
    const worker = async () => {
      while (!stop.signal.aborted) {
        const piece = this.take();
        if (!piece) return;
        await this.send(piece, stop.signal, told);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    } finally {
      stop.abort();
    }
  }

  get left() {
    return this.texts.length - this.done;
  }

  /** How many rows from the first on are known. */
  get prefix() {
    const at = this.found.indexOf(null);
    return at < 0 ? this.found.length : at;
  }

  take() {
    if (this.waiting.length) return this.waiting.shift();
    if (this.next >= this.texts.length) return null;
    const start = this.next;
    let characters = 0;
    while (this.next < this.texts.length && this.next - start < Math.min(this.size, this.most)) {
      characters += this.texts[this.next].length;
      if (characters > MOST_CHARACTERS && this.next > start) break;
      this.next += 1;
    }
    return [start, this.next];
  }

  async send([start, end], signal, told) {
    const places = [];
    for (let i = start; i < end; i += 1) if (this.found[i] === null) places.push(i);
    for (let tries = 1; places.length; tries += 1) {
      try {
        const begun = performance.now();
        const { predictions, version } = await predict(
          { ...this.wish, texts: places.map((i) => this.texts[i]) },
          signal,
        );
        if (predictions.length !== places.length)
          throw new Problem(500, { detail: "The server gave another number of answers than it got texts." });
        places.forEach((place, i) => this.keep(place, { ...predictions[i], version }));
        this.pace(performance.now() - begun, places.length);
        told(this, 0);
        return;
      } catch (error) {
        if (signal.aborted) {
          this.waiting.unshift([start, end]);
          return;
        }
        if (!(error instanceof Problem)) throw error;
        const ofTexts = !error.errors.length || error.errors.some((each) => String(each.pointer).startsWith("/texts"));
        if (error.status === 413 || (error.status === 422 && ofTexts)) {
          this.divide(places, error);
          told(this, 0);
          return;
        }
        const busy = error.status === 429 || error.status === 503;
        if (!busy && (tries >= TRIES || (error.status > 0 && error.status < 500))) {
          this.waiting.unshift([start, end]);
          throw error;
        }
        const wait = error.retryAfter ?? 2 ** Math.min(tries - 1, 4);
        told(this, wait);
        await pause(1000 * wait, signal);
        if (busy && tries > 1 && places.length > 1) {
          this.size = Math.min(this.size, this.halve(places)); // there may be room for less
          return;
        }
      }
    }
  }

  /** Texts that are too many or too long: those that the server points at are refused, or the batch is halved. */
  divide(places, error) {
    if (places.length === 1) {
      this.keep(places[0], { refused: error.errors[0]?.detail ?? error.message });
      return;
    }
    let pointed = 0;
    for (const { pointer, detail } of error.errors) {
      const place = places[Number(TEXT.exec(pointer)?.[1] ?? NaN)];
      if (place === undefined || this.found[place] !== null) continue;
      this.keep(place, { refused: detail ?? error.message });
      pointed += 1;
    }
    if (pointed) {
      this.waiting.unshift([places[0], places[places.length - 1] + 1]);
      return;
    }
    this.most = Math.min(this.most, this.halve(places));
  }

  /** Two pieces in place of one; how many texts the larger one has. */
  halve(places) {
    const half = Math.ceil(places.length / 2);
    this.waiting.unshift([places[0], places[half]], [places[half], places[places.length - 1] + 1]);
    return half;
  }

  keep(place, answer) {
    if (this.found[place] === null) this.done += 1;
    this.found[place] = answer;
  }

  pace(milliseconds, size) {
    if (milliseconds < QUICK && size >= this.size) this.size = Math.min(this.most, this.size * 2);
    else if (milliseconds > SLOW) this.size = Math.min(this.most, Math.max(FIRST, Math.floor(this.size / 2)));
  }
}
