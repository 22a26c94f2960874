// What a race shows of a landscape, and what is drawn of it here.

/** The part of the box that is seen: so many times enlarged about a point, and within the box. */
function part(box, [factor, ...centre]) {
  return box.map(([low, high], i) => {
    const half = (high - low) / 2 / factor;
    const middle = clamp(centre[i], low + half, high - half);
    return [middle - half, middle + half];
  });
}

/** Where a picture shows a point w of height J, which w it shows at a place, and how a step is drawn. */
function scene(names, [across, up], [, , width, height], place, leg) {
  return {
    names, across, up, width, height,
    toPixels(w, J) {
      const [x, y] = place(w, J);
      return [(x - across[0]) / (across[1] - across[0]) * width, (up[1] - y) / (up[1] - up[0]) * height];
    },
    /** From parts of the picture's width and height. */
    fromPicture: (x, y) => [across[0] + x * (across[1] - across[0]), up[1] - y * (up[1] - up[0])],
    leg: (...ends) => leg(...ends).map((part) => (part.toFixed ? part.toFixed(1) : part)).join(" "),
  };
}

const SCENES = {
  plane: ({ names, frame }, seen) => scene(names, seen, frame, (w) => w, (x0, y0, x, y) => ["L", x, y]),
  // On a curve a step is a hop: along the curve, the steps to and fro would hide one another.
  line: ({ names, frame }, seen, up) => scene(names, [...seen, up], frame, ([x], J) => [x, J], (x0, y0, x, y) =>
    ["Q", (x0 + x) / 2, (y0 + y) / 2 - Math.abs(x - x0) / 3, x, y]),
  // From w on the diagonal up or down to the next w, and across to the diagonal.
  cobweb: ({ names, frame }, [seen]) => scene([names[0], `next ${names[0]}`], [seen, seen], frame, ([x]) => [x, x],
    (x0, y0, x, y) => ["L", x0, y, "L", x, y]),
};

/** The heights to show of a curve: all, and below them room for the lines from a cycle down to the axis. */
function reach(values) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = (high - low) / 16 || 1;
  return [low - 3 * room, high + room];
}

/** The values at which to draw contours, as in Python: geometric above a known minimum, else quantiles. */
function levels(values, floor, known) {
  const sorted = Float64Array.from(values.filter(Number.isFinite)).sort();
  const quantile = (q) => sorted[Math.round(q * (sorted.length - 1))];
  const [low, high] = [quantile(0.004) - floor, quantile(0.985) - floor];
  const parts = Array.from({ length: 15 }, (_, k) => k / 14);
  if (known && low > 0) return parts.map((x) => floor + low * (high / low) ** x);
  return [...new Set(parts.map((x) => quantile(0.02 + 0.96 * x)))];
}

/** An axis: its ticks as pairs of a place and a text, and its name, less a base if texts were too long. */
function axis(name, [low, high]) {
  const texts = (base) => ticks(low - base, high - base, 6).map((x) => [x + base, exact(x)]);
  const plain = texts(0);
  if (plain.every(([, text]) => text.length <= 5)) return { name, marks: plain };
  const unit = 10 ** Math.floor(Math.log10(high - low));
  const base = Number((Math.round((low + high) / 2 / unit) * unit).toPrecision(12));
  return { name: `${name} ${base < 0 ? "+" : "−"} ${minus(String(Math.abs(base)))}`, base, marks: texts(base) };
}

/** Draw the axes of a scene, as Python draws those of the whole. */
function axes({ names, across, up, fromPicture, width, height }, [left, top]) {
  const [right, upward] = [axis(names[0], across), axis(names[1], up)];
  const foot = top + height;
  const label = (x, y, anchor, text, more = {}) => drawing("text", { x, y, "text-anchor": anchor, ...more }, text);
  const name = { class: "normgd-name", "font-size": 15 };
  const beside = names[1] === "w₂" && !upward.base; // in the plane's margin there is room for a short name
  const texts = [
    label(left + width / 2, foot + 36, "middle", right.name, name),
    beside ? label(10, top + height / 2, "middle", upward.name, name) : label(2, top > 20 ? 16 : 8, "start", upward.name, name),
  ];
  let lines = `M${left} ${top}h${width}v${height}h${-width}z`;
  for (const [x, text] of right.marks) {
    const place = left + (x - across[0]) / (across[1] - across[0]) * width;
    lines += `M${place.toFixed(1)} ${foot}v5`;
    texts.push(label(place, foot + 19, "middle", text));
  }
  for (const [y, text] of upward.marks) {
    const place = top + (up[1] - y) / (up[1] - up[0]) * height;
    lines += `M${left} ${place.toFixed(1)}h-5`;
    if (!beside || Math.abs(place - top - height / 2) > 12) texts.push(label(left - 9, place + 4.5, "end", text));
  }
  return [drawing("path", { d: lines, class: "normgd-axes", fill: "none" }), ...texts];
}

/** Draw the landscape of a plane or of a line. */
function landscape(plot, view, value) {
  const { width, height } = view;
  const group = drawing("g", { class: "normgd-contours", transform: "scale(.25)", fill: "none", stroke: "currentColor", "stroke-linejoin": "round", "stroke-linecap": "round" });
  const path = (d, more) => group.append(drawing("path", { d, ...more }));
  if (plot.kind === "line") {
    let data = "";
    for (let x = 0, pen = "M"; x <= width; x++) {
      const w = view.fromPicture(x / width, 0).slice(0, 1);
      const y = clamp(4 * view.toPixels(w, value(w))[1], -1e6, 1e6);
      if (!Number.isNaN(y)) data += `${pen}${4 * x} ${y.toFixed(0)}`;
      pen = Number.isNaN(y) ? "M" : "L";
    }
    path(data, { "stroke-opacity": 0.55, "stroke-width": 6 });
  } else {
    const size = 4; // pixels, of which the frame has a multiple
    const heights = Array.from({ length: height / size + 1 }, (_, i) => Array.from({ length: width / size + 1 },
      (_, j) => value(view.fromPicture(j * size / width, i * size / height))));
    const floor = plot.minimisers.length ? Math.min(...plot.minimisers.map(value)) : 0;
    const chosen = levels(heights.flat(), floor, plot.minimisers.length > 0);
    path(contours(heights, chosen, 4 * size), { "stroke-opacity": 0.3, "stroke-width": 4.2 }); // at 4 Chromium dots the joints
  }
  const crosses = plot.minimisers.map((w) => written(view.toPixels(w, value(w))));
  const data = crosses.map((place) => `M${place}m-5-5l10 10m-10 0l10-10`).join("");
  return [group, drawing("path", { class: "normgd-minimisers", d: data, fill: "none", stroke: "currentColor", "stroke-width": 2.5 })];
}

/** The part of a leg that is within `far` of the picture's corner, or null. Liang, Barsky, 1984. */
function clip([x0, y0], [x, y], far) {
  let enter = 0, leave = 1;
  for (const [from, by] of [[x0, x - x0], [y0, y - y0]]) {
    const [a, b] = [(-far - from) / by, (far - from) / by];
    if (by === 0 && Math.abs(from) > far) return null;
    if (by === 0) continue;
    enter = Math.max(enter, Math.min(a, b));
    leave = Math.min(leave, Math.max(a, b));
  }
  const at = (s) => [x0 + s * (x - x0), y0 + s * (y - y0)];
  return enter < leave ? [enter > 0 ? at(enter) : [x0, y0], leave < 1 ? at(leave) : [x, y]] : null;
}
