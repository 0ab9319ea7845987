"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(at(id).textContent);
  const data = read("map-data");
  if (!data.texts) { // beside a list of the same rows, which has them
    const { columns, rows, files: names } = read("rows");
    const column = (name) => { const place = columns.indexOf(name); return rows.map((row) => row[place]); };
    Object.assign(data, { texts: column("text"), lengths: column("length"), file: column("file"), number: column("number"), files: names });
  }
  const { points, texts, lengths, file, number, files, colourings, hills, looks, has_texts: holds } = data;
  const n = points.length;
  const LISTED = 20; // texts
  const REACH = 14; // pixels from the pointer to a point
  const MARGIN = 0.04;
  const canvas = at("map-canvas");
  const pen = canvas.getContext("2d");
  const view = { x: 0.5, y: 0.5, k: 1 }; // the middle and how near
  let colouring = colourings[0];
  let hidden = new Set(); // categories
  let shades = []; // (n,) places in the colours that are drawn
  let palette = [];
  let found = null; // (n,) whether a point is searched for; null where nothing is
  let picked = []; // points whose texts are listed
  let lower = null;
  let ink = {};
  let width = 0;
  let height = 0;
  const count = (value) => value.toLocaleString("en");
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };

  // Colours.
  const STEPS = 24;
  const channel = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = (share) => `rgb(${[0, 1, 2].map((i) =>
    Math.round(channel(looks.low, i) * (1 - share) + channel(looks.high, i) * share)).join(",")})`;
  const said = (value) => (colouring.categories.length ? colouring.categories[value] : value === null ? "none" : String(value));
  const range = () => {
    const known = colouring.values.filter((value) => value !== null).sort((a, b) => a - b);
    return known.length ? [known[0], known[Math.floor((known.length - 1) * 0.98)]] : [0, 0]; // the last few spread far
  };
  const colour = () => {
    if (colouring.categories.length) {
      palette = colouring.categories.map((_, i) => looks.colours[i] || looks.other);
      shades = colouring.values;
    } else {
      const [low, high] = range();
      palette = Array.from({ length: STEPS }, (_, i) => mixed(i / (STEPS - 1)));
      palette.push(looks.other);
      shades = colouring.values.map((value) => (value === null ? STEPS
        : Math.round(Math.max(0, Math.min(1, (value - low) / (high - low || 1))) * (STEPS - 1))));
    }
  };
  const visible = (i) => !(colouring.categories.length && hidden.has(colouring.values[i]));
  const lit = (i) => visible(i) && (found === null || found[i]);

  // Drawing.
  const scale = () => Math.min(width, height) * (1 - 2 * MARGIN) * view.k;
  const placed = (x, y) => [width / 2 + (x - view.x) * scale(), height / 2 - (y - view.y) * scale()];
  const back = (px, py) => [view.x + (px - width / 2) / scale(), view.y - (py - height / 2) / scale()];
  const radius = () => (n > 6000 ? 1.6 : n > 1000 ? 2.3 : 3.4) * Math.min(2.6, view.k ** 0.4);
  const dots = (chosen, r) => {
    const groups = new Map();
    for (let i = 0; i < n; i += 1) {
      if (!chosen(i)) continue;
      const [x, y] = placed(points[i][0], points[i][1]);
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      let path = groups.get(shades[i]);
      if (!path) groups.set(shades[i], path = new Path2D());
      path.moveTo(x + r, y);
      path.arc(x, y, r, 0, 7);
    }
    for (const [shade, path] of groups) {
      pen.fillStyle = palette[shade];
      pen.fill(path);
    }
  };
  const name = () => {
    const taken = [];
    pen.font = "600 13px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const hill of hills) {
      const words = hill.words.slice(0, width < 500 ? 1 : 3).join(", ");
      const [x, y] = placed(hill.x, hill.y);
      const half = pen.measureText(words).width / 2 + 4;
      if (!words || x < 0 || y < 0 || x > width || y > height) continue;
      const middle = Math.max(half, Math.min(width - half, x));
      if (taken.some((each) => Math.abs(each[0] - middle) < each[2] + half && Math.abs(each[1] - y) < 18)) continue;
      taken.push([middle, y, half]);
      pen.lineWidth = 4;
      pen.strokeStyle = ink.paper;
      pen.strokeText(words, middle, y);
      pen.fillStyle = ink.ink;
      pen.fillText(words, middle, y);
    }
  };
  let waiting = 0;
  const draw = () => {
    if (waiting) return;
    waiting = requestAnimationFrame(() => {
      waiting = 0;
      const r = radius();
      pen.clearRect(0, 0, width, height);
      if (found !== null) {
        pen.globalAlpha = 0.1;
        dots((i) => visible(i) && !found[i], r);
      }
      pen.globalAlpha = found === null ? 0.75 : 1;
      dots(lit, found === null ? r : r * 1.3);
      pen.globalAlpha = 1;
      pen.lineWidth = 2;
      pen.strokeStyle = ink.ink;
      for (const i of picked) {
        const [x, y] = placed(points[i][0], points[i][1]);
        pen.beginPath();
        pen.arc(x, y, r + 2.5, 0, 7);
        pen.stroke();
      }
      if (at("map-names").checked) name();
      canvas.classList.toggle("near", view.k > 1);
    });
  };
  const fit = () => {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(document.documentElement);
    ink = Object.fromEntries(["ink", "paper"].map((key) => [key, style.getPropertyValue(`--${key}`).trim()]));
    draw();
  };

  // Moving.
  const clamp = () => {
    view.k = Math.max(1, Math.min(60, view.k));
    const room = 0.5 * (1 - 1 / view.k); // at the whole map there is nowhere to go
    view.x = Math.max(0.5 - room, Math.min(0.5 + room, view.x));
    view.y = Math.max(0.5 - room, Math.min(0.5 + room, view.y));
    draw();
  };
  const zoom = (factor, px = width / 2, py = height / 2) => {
    const [x, y] = back(px, py);
    view.k = Math.max(1, Math.min(60, view.k * factor));
    view.x = x - (px - width / 2) / scale();
    view.y = y + (py - height / 2) / scale();
    clamp();
  };
  const move = (dx, dy) => {
    view.x -= dx / scale();
    view.y += dy / scale();
    clamp();
  };
  const whole = () => { Object.assign(view, { x: 0.5, y: 0.5, k: 1 }); draw(); };

  // What stands at a place.
  const near = (px, py, most, reach) => {
    const close = [];
    for (let i = 0; i < n; i += 1) {
      if (!lit(i)) continue;
      const [x, y] = placed(points[i][0], points[i][1]);
      const far = (x - px) ** 2 + (y - py) ** 2;
      if (far <= reach ** 2) close.push([far, i]);
    }
    return close.sort((a, b) => a[0] - b[0] || a[1] - b[1]).slice(0, most).map((each) => each[1]);
  };
  const place = (i) => `${files[file[i]]}${number[i] ? ` row ${number[i]}` : ""}`;
  const LONGEST = 200; // characters
  const text = (i) => (holds ? texts[i].slice(0, LONGEST) + (lengths[i] > Math.min(LONGEST, texts[i].length) ? "…" : "") : place(i));
  const item = (i) => {
    const entry = make("li");
    if (holds) {
      const paragraph = make("p", text(i), "text");
      paragraph.dir = "auto";
      entry.append(paragraph);
    }
    const line = make("p", undefined, "meta");
    for (const each of colourings) {
      const value = each.values[i];
      const part = make("span");
      part.append(make("i", each.name), " ", make("bdi", each.categories.length ? each.categories[value] : String(value ?? "none")));
      line.append(part, " ");
    }
    line.append(make("bdi", place(i)));
    entry.append(line);
    return entry;
  };
  const list = (chosen, hint) => {
    picked = chosen;
    at("map-hint").textContent = hint;
    at("map-found").replaceChildren(...chosen.map(item));
    draw();
  };
  const pick = (px, py, reach) => {
    const chosen = near(px, py, LISTED, reach);
    const nothing = "Point at a text to read it; click, or tap, to list it with those beside it.";
    list(chosen, chosen.length ? `${count(chosen.length)} beside where you pointed, the nearest first.` : nothing);
  };
  const tip = at("tip");
  const show = (event) => {
    const box = canvas.getBoundingClientRect();
    const [i] = near(event.clientX - box.left, event.clientY - box.top, 1, REACH);
    tip.hidden = i === undefined;
    if (i === undefined) return;
    tip.textContent = `${said(colouring.values[i])}: ${text(i)}`;
    const right = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, right))}px`;
    tip.style.top = `${event.clientY + 18 + tip.offsetHeight > window.innerHeight ? event.clientY - 12 - tip.offsetHeight : event.clientY + 18}px`;
  };
  const down = new Map(); // pointers that are on the canvas
  let moved = 0;
  const spread = () => {
    const [a, b] = [...down.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (down.size === 0) moved = 0;
    down.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = down.get(event.pointerId);
    if (!last) { show(event); return; }
    tip.hidden = true;
    const box = canvas.getBoundingClientRect();
    const before = down.size === 2 ? spread() : 0;
    down.set(event.pointerId, event);
    moved += Math.abs(event.clientX - last.clientX) + Math.abs(event.clientY - last.clientY);
    if (down.size === 2 && before) {
      const [a, b] = [...down.values()];
      zoom(spread() / before, (a.clientX + b.clientX) / 2 - box.left, (a.clientY + b.clientY) / 2 - box.top);
    } else if (down.size === 1) move(event.clientX - last.clientX, event.clientY - last.clientY);
  });
  const up = (event) => {
    if (!down.delete(event.pointerId) || event.type === "pointercancel" || moved > 6 || down.size) return;
    const box = canvas.getBoundingClientRect();
    pick(event.clientX - box.left, event.clientY - box.top, REACH);
    if (event.pointerType !== "mouse") show(event);
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey && view.k === 1 && event.deltaY > 0) return; // the page scrolls on
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return; // nor is it held up on its way
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.002), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => {
    const box = canvas.getBoundingClientRect();
    zoom(2, event.clientX - box.left, event.clientY - box.top);
  });
  const KEYS = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: whole,
    ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
    Enter: () => pick(width / 2, height / 2, Math.hypot(width, height) / 2), // whatever is seen, the nearest to the middle first
  };
  canvas.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(KEYS, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  at("map-in").addEventListener("click", () => zoom(1.5));
  at("map-out").addEventListener("click", () => zoom(1 / 1.5));
  at("map-whole").addEventListener("click", whole);

  // What is shown.
  const status = () => {
    let seen = 0;
    for (let i = 0; i < n; i += 1) seen += lit(i);
    at("map-status").textContent = `${count(seen)} of ${count(n)} texts${found === null ? "" : " match"}`;
  };
  const search = () => {
    const words = holds ? at("map-words").value.toLocaleLowerCase().split(/\s+/).filter(Boolean) : [];
    if (words.length) lower ??= texts.map((each) => each.toLocaleLowerCase());
    found = words.length ? lower.map((each) => words.every((word) => each.includes(word))) : null;
    status();
    if (found === null) { pick(-1e6, -1e6, 0); return; }
    const first = [];
    for (let i = 0; i < n && first.length < LISTED; i += 1) if (lit(i)) first.push(i);
    list(first, first.length ? `The first ${count(first.length)} that match.` : "No text that is shown matches.");
  };
  const legend = () => {
    const box = at("map-legend");
    box.replaceChildren();
    if (!colouring.categories.length) {
      const [low, high] = range();
      const ramp = make("div", undefined, "ramp");
      ramp.style.background = `linear-gradient(to right, ${mixed(0)}, ${mixed(1)})`;
      const ends = make("p", undefined, "ends");
      ends.append(make("span", String(low)), make("span", `${high} and more`));
      box.append(ramp, ends);
      return;
    }
    const sizes = new Array(colouring.categories.length).fill(0);
    for (const value of colouring.values) sizes[value] += 1;
    colouring.categories.forEach((each, value) => {
      const button = make("button");
      const swatch = make("i");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!hidden.has(value)));
      swatch.style.background = palette[value];
      button.append(swatch, make("bdi", each), make("small", count(sizes[value])));
      button.addEventListener("click", () => {
        if (!hidden.delete(value)) hidden.add(value);
        button.setAttribute("aria-pressed", String(!hidden.has(value)));
        search();
      });
      box.append(button);
    });
  };
  colourings.forEach((each, i) => at("map-by").append(new Option(each.name, i)));
  at("map-by").addEventListener("change", () => {
    colouring = colourings[at("map-by").value];
    hidden = new Set();
    colour();
    legend();
    search();
  });
  at("map-names").addEventListener("change", draw);
  let typing = 0;
  at("map-words").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(search, 120); });
  at("map-tools").addEventListener("submit", (event) => { event.preventDefault(); search(); });
  at("map-words").closest("label").hidden = !holds;
  at("map-names").closest("label").hidden = !hills.some((hill) => hill.words.length);
  new ResizeObserver(fit).observe(canvas);
  for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", fit);
  colour();
  legend();
  search();
  fit();
})();
