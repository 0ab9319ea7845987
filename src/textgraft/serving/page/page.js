// The page: which models there are, what the server can do with them, and the three things to do.

import { About } from "./about.js";
import { call, keyIsAskedBy, Problem } from "./api.js";
import { TableOfTexts } from "./file.js";
import { at, counted, make } from "./dom.js";
import { OneText } from "./one.js";

const TABS = ["text", "table", "about"];

const askForKey = (refused) =>
  new Promise((resolve) => {
    const form = at("key");
    const field = at("key-field");
    form.hidden = false;
    if (refused) at("key-note").textContent = "The server does not take this key. Another one?";
    field.value = "";
    field.focus();
    form.addEventListener(
      "submit",
      (event) => {
        event.preventDefault();
        form.hidden = true;
        resolve(field.value.trim());
      },
      { once: true },
    );
  });

const choose = (tab, focused = false) => {
  for (const each of TABS) {
    const chosen = each === tab;
    const button = at(`tab-${each}`);
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    at(each).hidden = !chosen;
    if (chosen && focused) button.focus();
  }
};

const tabs = () => {
  for (const tab of TABS) at(`tab-${tab}`).addEventListener("click", () => choose(tab));
  at("tabs").addEventListener("keydown", (event) => {
    const now = TABS.findIndex((tab) => at(`tab-${tab}`).tabIndex === 0);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(TABS[(to + TABS.length) % TABS.length], true);
  });
  at("tabs").hidden = false;
  choose("text");
};

const trouble = (sentence) => {
  at("trouble").hidden = !sentence;
  at("trouble").textContent = sentence;
};

/** The paths that this server answers to: not every one watches for drift. */
const offered = async () => {
  try {
    return new Set(Object.keys((await call("openapi.json")).paths));
  } catch (error) {
    if (error instanceof Problem) return new Set(); // then it is not shown
    throw error;
  }
};

const start = async () => {
  keyIsAskedBy(askForKey);
  let models;
  let keepsFeedback;
  let paths;
  try {
    ({ models, feedback: keepsFeedback = false } = await call("v1/models"));
    paths = await offered();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    trouble(error.message);
    at("notice").textContent = "";
    return;
  }
  /** Made for the first model that is there: until then nothing can be asked of one. */
  const made = () => {
    const text = new OneText();
    const table = new TableOfTexts();
    table.onDrop = () => choose("table");
    text.onVersion = (version) => {
      if (!seen.has(version)) use(wanted);
      seen.add(version);
    };
    tabs();
    at("words").focus();
    return { text, table, about: new About(paths.has("/v1/drift")) };
  };
  let parts = null;
  let wanted = null;
  const seen = new Set(); // versions, so that processes of two versions do not make it look again and again
  const use = async (model) => {
    wanted = model;
    try {
      const detail = await call(`v1/models/${encodeURIComponent(model.name)}`);
      if (wanted === model) show({ ...model, ...detail });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      trouble(error.message);
    }
  };
  const show = (model) => {
    trouble("");
    document.title = `${model.name} · textgraft`;
    at("name").textContent = model.name;
    at("notice").textContent =
      `${model.method}, ${counted(model.labels.length, "label")}${model.multi_label ? ", several per text" : ""}; version ${model.version}`;
    parts ??= made();
    parts.text.use(model, keepsFeedback);
    parts.table.use(model);
    parts.about.use(model);
  };
  at("choice").hidden = models.length < 2;
  at("model").replaceChildren(...models.map((model) => make("option", { value: model.name }, model.name)));
  at("model").addEventListener("change", () => use(models[at("model").selectedIndex]));
  await use(models[at("model").selectedIndex]);
};

start();
