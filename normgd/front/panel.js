// The panel: an explorer made of what Python declares (normgd/explorers/panel.py), values to set,
// figures with axes, marks in them.
//
// A panel's own file computes the marks' points and the numbers to be told. It gives a function of
// (plot, code), with the traced code compiled, that returns
//
//   compute(values)          { marks: {name: [[x, y], ...]}, numbers: {name: number} }, as in Python
//   tell(values, numbers)    [[term, text], ...], the read-out
//   drag?[handle](xy)        the values that a drag to a place changes, if they are not that place
//   python(values)           the code to copy
//   draw?(find, values)      what else follows the values
//   hover?                   the handles that follow a mouse which is not pressed

// ---------------------------------------------------------------------------------- values

/** What a declared value's slider positions 0 .. max mean, and what of a link's text it takes. */
const KINDS = {
  linear: ({ low, high, step, turns, unit }) => {
    const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    const max = Math.round((high - low) / step);
    return {
      max,
      position: (x) => (x - low) / step,
      value: (k) => clamp(Number((low + (turns ? (k + max) % max : k) * step).toFixed(digits)), low, high) + 0,
      text: (x) => exact(x) + unit,
    };
  },
  log: ({ low, high }) => {
    const max = Math.round(100 * Math.log10(high / low));
    return {
      max,
      position: (x) => 100 * Math.log10(x / low),
      value: (k) => (k >= max ? high : threeDigits(low * 10 ** (k / 100), low, high)),
      text: exact,
    };
  },
  whole: ({ low, high }) => ({ max: high - low, position: (x) => x - low, value: (k) => clamp(low + k, low, high), text: String }),
};

const READ = {
  linear: readWithin,
  log: readWithin,
  whole: (value, text) => {
    const x = readWithin(value, text);
    return Number.isInteger(x) ? x : null;
  },
  choice: ({ options }, text) => (options.includes(text) ? text : null),
  point: ({ box }, text) => {
    const parts = text.split(",", box.length + 1).map((part, i) => box[i] && readWithin({ low: box[i][0], high: box[i][1] }, part));
    return parts.length === box.length && parts.every((x) => x !== null) ? parts : null;
  },
};

function readWithin({ low, high }, text) {
  const x = readNumber(text);
  return x >= low && x <= high ? x : null;
}

const threeDigits = (x, low, high) => clamp(Number(x.toPrecision(3)), low, high);

/** The value whose handle is at a place of a figure: it is along x, or a point. */
const PLACED = {
  log: ({ low, high }, [x]) => threeDigits(x, low, high),
  point: ({ box }, xy) => xy.map((x, i) => rounded(x, box[i])),
};

/** Write the values of the panel of this number that are not the first ones, as pairs. */
function writeValues(number, { values }, { initial }) {
  return Object.entries(values).filter(([name, x]) => !same(x, initial.values[name]))
    .map(([name, x]) => [`${number}.${name}`, String(x)]);
}

/** Read the values of the panel of this number out of a link's fragment; it is anybody's text. */
function readValues(number, fragment, { declared, initial }) {
  const values = { ...initial.values };
  const pairs = readPairs(fragment);
  for (const value of declared) {
    const text = pairs.get(`${number}.${value.name}`);
    const read = text === null ? null : READ[value.kind](value, text);
    if (read !== null) values[value.name] = read;
  }
  return { values };
}

// -------------------------------------------------------------------------------- drawing

/** How far along an axis x is, from 0 to 1; and back. */
const share = ({ low, high, log }, x) => (log ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low));
const along = ({ low, high, log }, part) => (log ? low * (high / low) ** part : low + part * (high - low));

const toPixels = ({ x, y, width, height }, point) => [share(x, point[0]) * width, (1 - share(y, point[1])) * height];

/** Draw points in one of the shapes of a mark. */
function drawn(shape, figure, points) {
  const places = points.map((point) => toPixels(figure, point).map((z) => clamp(z, -1e4, 1e4)));
  if (shape === "arrow") {
    const [[x0, y0], [x, y]] = places;
    const length = Math.hypot(x - x0, y - y0);
    if (!(length > 0)) return "";
    const [a, b] = [(x - x0) / length, (y - y0) / length];
    const barb = (side) => written([x - 9 * a - side * b, y - 9 * b + side * a]);
    const [tail, tip] = places.map(written);
    return `M${tail}L${tip}M${barb(4.5)}L${tip}L${barb(-4.5)}`;
  }
  let data = "", begun = false;
  for (const place of places) {
    const known = !place.some(Number.isNaN);
    if (known) {
      data += (shape === "line" && begun ? "L" : "M") + written(place);
      if (shape === "dots") data += "h0";
      if (shape === "point") data += "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z";
    }
    begun = known;
  }
  return data;
}

/** Compile what Python traced. */
function compileAll({ prelude, code }) {
  return Object.fromEntries(Object.entries(code).map(([name, { parameters, body }]) =>
    [name, compiled(prelude, parameters, body)]));
}

/** Remember what a function gave for its last arguments. */
function remembered(f) {
  let key, value;
  return (...given) => {
    if (key !== String(given)) [key, value] = [String(given), f(...given)];
    return value;
  };
}

// ------------------------------------------------------------------------------- the panel

/** Make an explorer out of a panel's own part. */
const panel = (make) => ({ model, el }) => {
  const plot = model.get("plot");
  const { declared, figures } = plot;
  const own = make(plot, compileAll(plot));
  const known = Object.fromEntries(declared.map((value) => [value.name, { ...value, ...KINDS[value.kind]?.(value) }]));
  let values = model.get("values");
  const id = newId();
  const body = pictureOf({ model, el });
  const find = (selector) => body.querySelector(selector);
  const drawings = Object.fromEntries(Object.keys(figures).map((name) => [name, find(`[data-figure="${name}"]`)]));

  // ------------------------------------------------------------------------------- state

  const redraw = framed(draw);
  const tell = telling(model);

  function change(changes) {
    if (Object.entries(changes).every(([name, x]) => same(x, values[name]))) return;
    values = { ...values, ...changes };
    tell("values", values);
    redraw();
  }

  /** A value as it is read: its letter, or what it means, and what it is. */
  function read(name) {
    const { kind, letter, meaning, text } = known[name];
    const value = values[name];
    return `${letter || meaning} = ${kind === "point" ? `(${value.map(exact).join(", ")})` : (text?.(value) ?? value)}`;
  }

  // ---------------------------------------------------------------------------- controls

  const controls = controlGroup("normgd-controls", "Controls");
  const views = []; // each brings a control up to date with the values

  function sliderOf({ name, letter, meaning, max, position, value, text }) {
    const set = (k) => change({ [name]: value(k) });
    const { label, input, output, show } = slider(`${id}-${name}`, { min: 0, max, step: 1 }, set);
    label.append(element("i", {}, letter), ` ${meaning}`);
    views.push(() => show(position(values[name]), text(values[name])));
    return element("div", { class: "normgd-slider" }, label, output, input);
  }

  function radios({ name, meaning, options }) {
    const group = element("fieldset", { class: "normgd-radios" }, element("legend", {}, meaning));
    for (const option of options) {
      const input = element("input", { type: "radio", name: `${id}-${name}`, value: option });
      input.addEventListener("change", () => change({ [name]: option }));
      views.push(() => (input.checked = values[name] === option));
      group.append(element("label", {}, input, option));
    }
    return group;
  }

  for (const value of Object.values(known)) {
    if (value.kind === "choice") controls.append(radios(value));
    else if (value.kind !== "point") controls.append(sliderOf(value));
  }

  const summary = saying();
  const reset = button("Reset", () => change(structuredClone(plot.initial.values)));
  const copy = copying(() => own.python(values), 8, summary);
  views.push(copy.view);
  controls.append(element("div", { class: "normgd-buttons" }, reset, copy.button), copy.code);

  const facts = element("dl"); // of no class: the book's theme gives those with one its own look
  const settings = element("p", { class: "normgd-paper" }); // on paper, instead of the controls
  find(".normgd-side").append(controls, settings, element("div", { class: "normgd-facts" }, facts), summary.output);
  find(".normgd-about").remove(); // what it tells, the read-out tells

  // --------------------------------------------------------------------------- the handles

  function step(name, by) {
    const { position, value, max, turns } = known[name];
    const k = Math.round(position(values[name])) + by;
    change({ [name]: value(turns ? k : clamp(k, 0, max)) });
  }

  const holds = plot.handles.map((handle) => {
    const svg = drawings[handle.figure];
    const figure = figures[handle.figure];
    const node = svg.querySelector(`[data-handle="${handle.name}"]`);
    const across = known[handle.across];
    const isPoint = across.kind === "point";

    views.push(() => {
      const told = [handle.across, handle.up].filter(Boolean).map(read);
      const [low, high] = isPoint ? across.box[0] : [across.low, across.high];
      const now = [values[across.name]].flat()[0];
      adorn(node, { "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": now, "aria-valuetext": told.join(", ") });
    });

    const meaning = own.drag?.[handle.name] ?? ((xy) => ({ [across.name]: PLACED[across.kind](across, xy) }));
    const where = (event) => placeIn(svg, event, figure.left, figure.top);
    const move = ([x, y]) => {
      const xy = [along(figure.x, x / figure.width), along(figure.y, 1 - y / figure.height)];
      if (xy.every(Number.isFinite)) change(meaning(xy)); // a picture may have no size yet
    };
    if (own.hover?.includes(handle.name)) {
      svg.addEventListener("pointermove", (event) => {
        const [x, y] = where(event);
        const within = x >= 0 && x <= figure.width && y >= 0 && y <= figure.height;
        if (event.pointerType === "mouse" && !event.buttons && within) move([x, y]);
      });
    }
    return handled(svg, node, handle.label, {
      where, move,
      at: () => toPixels(figure, own.compute(values).marks[handle.name][0]),
      press: (right, up) => {
        if (!isPoint) return step((up && handle.up) || across.name, right + up);
        const move = (x, i) => x + [right, up][i] * (across.box[i][1] - across.box[i][0]) / 100;
        change({ [across.name]: PLACED.point(across, values[across.name].map(move)) });
      },
    });
  });

  for (const drawing of Object.values(drawings)) {
    drawing.setAttribute("aria-label", drawing.querySelector("title").textContent.trim());
    drawing.querySelectorAll("title, desc").forEach((node) => node.remove()); // no tooltip while dragging
  }

  // -------------------------------------------------------------------------------- drawing

  const marks = plot.marks.map((mark) => ({ ...mark, path: find(`[data-mark="${mark.name}"]`) }));

  function draw() {
    const { marks: points, numbers } = own.compute(values);
    for (const { name, shape, figure, path } of marks) path.setAttribute("d", drawn(shape, figures[figure], points[name]));
    for (const { name, figure } of plot.handles) {
      const [x, y] = toPixels(figures[figure], points[name][0]);
      const { left, top } = figures[figure];
      find(`[data-handle="${name}"]`).setAttribute("transform", translate([left + x, top + y]));
    }
    own.draw?.(find, values);
    views.forEach((view) => view());
    settings.textContent = Object.keys(known).map(read).join(", ");
    const told = own.tell(values, numbers);
    facts.replaceChildren(...told.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
    summary.soon(told.map((pair) => pair.join(": ")).join(". "));
  }

  // -------------------------------------------------------------------------------- life

  const listener = () => {
    const now = model.get("values");
    if (now === values || tell.owes("values") || holds.some((isHeld) => isHeld())) return;
    values = now;
    redraw();
  };
  model.on("change:values", listener);

  el.classList.add("normgd-explorer");
  body.classList.add("normgd-live");
  draw();
  el.replaceChildren(body);

  return () => {
    redraw.stop();
    summary.stop();
    tell.now();
    model.off("change:values", listener);
  };
};
