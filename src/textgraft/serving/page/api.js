// Requests to the server that this page came from. What goes wrong is a Problem that says so in a sentence.

const KEY = "textgraft.key"; // in this tab's session only

/** A refusal of the server as RFC 9457 has it; status 0 where none answers. */
export class Problem extends Error {
  constructor(status, content = {}, retryAfter = null) {
    super(content.detail || content.title || `The server answered with status ${status}.`);
    this.status = status;
    this.retryAfter = retryAfter; // seconds, null where it was not said
    this.errors = Array.isArray(content.errors) ? content.errors : [];
  }
}

const seconds = (header) => {
  if (header === null) return null;
  const value = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(value) ? Math.max(0, value) : null;
};

let askForKey = null; // (refused: bool) => Promise<string>
let asked = null; // one question at a time, whoever waits for it

export const keyIsAskedBy = (ask) => {
  askForKey = ask;
};

export const hasKey = () => sessionStorage.getItem(KEY) !== null;

const keyed = async (used) => {
  if (sessionStorage.getItem(KEY) !== used) return; // another request has got a newer one
  asked ??= askForKey(used !== null)
    .then((key) => sessionStorage.setItem(KEY, key))
    .finally(() => {
      asked = null;
    });
  await asked;
};

/** The server's answer, whatever its kind. */
export const response = async (path, { body, signal } = {}) => {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = key === null ? {} : { Authorization: `Bearer ${key}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      const method = body === undefined ? "GET" : "POST";
      answer = await fetch(path, {
        method,
        headers,
        signal,
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem(0, { detail: "The server does not answer. Is it still running?" });
    }
    if (answer.ok) return answer;
    if (answer.status !== 401) {
      const content = await answer.json().catch(() => ({}));
      throw new Problem(answer.status, content, seconds(answer.headers.get("Retry-After")));
    }
    await keyed(key);
  }
};

export const call = async (path, options) => (await response(path, options)).json();

export const predict = (body, signal) => call("v1/predict", { body, signal });

/** Ends early, and without a word, where the signal aborts. */
export const pause = (milliseconds, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) resolve();
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
