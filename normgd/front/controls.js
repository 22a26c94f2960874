// What any explorer is handled by, and what passes between it and the model.

// ---------------------------------------------------------------------------- the controls

/** What a slider's positions 0 .. max mean: a control's values, its first one among them. */
function scale({ middle, low, high }) {
  if (middle) {
    // Two decades to either side of the first value, in hundredths of a decade; at the left end 0.
    return {
      max: 400, step: 1,
      position: (x) => (x > 0 ? clamp(Math.round(200 + 100 * Math.log10(x / middle)), 1, 400) : 0),
      value: (k) => (k === 0 ? 0 : k === 200 ? middle : Number((middle * 10 ** (k / 100 - 2)).toPrecision(3))),
    };
  }
  const digits = high - low > 1 ? 2 : 3;
  return {
    max: 1000, step: high <= 1 ? 1000 * 0.01 / (high - low) : 1,
    position: (x) => 1000 * (x - low) / (high - low),
    value: (k) => (k === 1000 ? high : clamp(Number((low + (high - low) * k / 1000).toFixed(digits)), low, high)),
  };
}

/** The parts of a slider, and what shows a position and a text on them. */
function slider(id, range, set) {
  const input = element("input", { id, type: "range", ...range });
  const output = element("output", { for: id, "aria-live": "off" });
  input.addEventListener("input", () => set(Number(input.value)));
  return {
    label: element("label", { for: id }), input, output,
    show(position, text) {
      input.value = position;
      output.value = text;
      input.setAttribute("aria-valuetext", text);
    },
  };
}

function button(text, action, title = "") {
  const made = element("button", { type: "button", ...(title && { "aria-label": title, title }) }, text);
  made.addEventListener("click", action);
  return made;
}

/** A group of controls, which keeps its keys: a notebook has its own use for them. */
function controlGroup(name, label) {
  const group = element("div", { class: name, role: "group", "aria-label": label });
  group.addEventListener("keydown", (event) => event.stopPropagation());
  return group;
}

/** The button that copies Python code, and the field for it where there is no clipboard. */
function copying(make, rows, summary) {
  const code = element("textarea", { class: "normgd-code", readonly: "", rows, "aria-label": "Python code", hidden: "" });
  const copy = button("Copy as Python", async () => {
    code.value = make();
    try {
      await navigator.clipboard.writeText(code.value);
      copy.textContent = "Copied";
      summary.now("Copied as Python.");
      setTimeout(() => (copy.textContent = "Copy as Python"), 2000);
    } catch { // some browsers have no clipboard, or keep it from pages that are files
      code.hidden = false;
      code.select();
    }
  });
  const view = () => {
    if (!code.hidden) code.value = make();
  };
  return { button: copy, code, view };
}

// ------------------------------------------------------------------------------ the handles

/** Where a pointer is in a figure, in its pixels from the corner between the axes. */
function placeIn(figure, event, left, top) {
  const bounds = figure.getBoundingClientRect();
  const scale = figure.viewBox.baseVal.width / bounds.width;
  return [(event.clientX - bounds.left) * scale - left, (event.clientY - bounds.top) * scale - top];
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };

/**
 * Let the handle of a figure be dragged and stepped by the arrow keys: `where` is the place of a
 * pointer, `at` that of the handle, `move` takes a place and `press` steps. Tells whether it is held.
 */
function handled(figure, handle, label, { where, at, move, press }) {
  handle.prepend(drawing("circle", { class: "normgd-reach", r: 26, fill: "transparent" }));
  adorn(handle, { tabindex: 0, role: "slider", "aria-label": `${label}, moved by the arrow keys` });
  figure.setAttribute("role", "group");
  // Browsers do not all heed touch-action within SVG: a finger on the handle must not scroll.
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });

  let grip = null; // from the pointer to the handle, while it is held
  let dragged = false; // whether the click to come ends a drag
  figure.addEventListener("pointerdown", (event) => {
    const onHandle = handle.contains(event.target);
    dragged = false;
    // A finger on the bare figure scrolls the page; its tap moves the handle.
    if (event.button !== 0 || !(onHandle || event.pointerType === "mouse")) return;
    dragged = true;
    const place = where(event);
    grip = at().map((x, i) => (onHandle ? x - place[i] : 0));
    figure.setPointerCapture(event.pointerId);
    figure.classList.add("normgd-held");
    handle.focus({ preventScroll: true });
    if (!onHandle) move(place);
  });
  figure.addEventListener("pointermove", (event) => {
    if (grip) move(where(event).map((x, i) => x + grip[i]));
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    figure.addEventListener(end, () => {
      grip = null;
      figure.classList.remove("normgd-held");
    });
  }
  figure.addEventListener("click", (event) => {
    if (!dragged) move(where(event));
  });

  handle.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // or the book turns the page and the notebook leaves the cell
    press(...arrow.map((x) => (event.shiftKey ? 10 * x : x)));
  });
  return () => grip !== null;
}

// ------------------------------------------------------------------ the page and the model

/** Notebooks load this module once for each explorer: a counter would begin again every time. */
const newId = () => `normgd-${Math.random().toString(36).slice(2)}`;

/**
 * Python's picture, out of the page or, live, out of the model. It is a copy, which takes its place
 * again only when all is ready: nothing flashes, and if anything fails the page still has it.
 */
function pictureOf({ model, el }) {
  const body = el.querySelector(".normgd-body");
  if (body) return body.cloneNode(true);
  const template = element("template");
  template.innerHTML = model.get("picture");
  return template.content.firstElementChild;
}

/** Draw in the next frame, once, however often it is asked for. */
function framed(draw) {
  let request = 0;
  const redraw = () => (request ||= requestAnimationFrame(() => {
    request = 0;
    draw();
  }));
  redraw.stop = () => cancelAnimationFrame(request);
  return redraw;
}

/**
 * Tell the model what the reader changes; a kernel need not hear of every pixel. The model has a value
 * only when it is sent: until then a late echo of an older one would take its place, unsent.
 */
function telling(model) {
  const untold = new Map();
  let waiting = 0;
  const save = () => {
    waiting = 0;
    for (const [name, value] of untold) model.set(name, value);
    untold.clear();
    model.save_changes();
  };
  const tell = (name, value) => {
    untold.set(name, value);
    waiting ||= setTimeout(save, 80);
  };
  tell.now = () => {
    if (!waiting) return;
    clearTimeout(waiting);
    save();
  };
  /** Whether the page knows better than the model. */
  tell.owes = (name) => untold.has(name);
  return tell;
}

/** What is said to those who listen, at once or when the hand rests. */
function saying() {
  const output = element("output", { class: "normgd-summary normgd-unseen" });
  let waiting = 0;
  const now = (text) => (output.value = text);
  const stop = () => clearTimeout(waiting);
  const soon = (text) => {
    stop();
    waiting = setTimeout(now, 400, text);
  };
  return { output, now, soon, stop };
}
