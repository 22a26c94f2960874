// The chart of J at each step of a race.

/** Its node, and what measures and draws it. `lines` give the rules' looks. */
function losses(plot, lines, id) {
  const CHART = { left: 52, right: 12, top: 32, bottom: 38, height: 208 };
  const node = drawing("svg", { class: "normgd-chart", role: "img" });
  const grid = drawing("g", { class: "normgd-grid" });
  const curves = drawing("g");
  const inside = drawing("clipPath", { id: `${id}-inside` });
  inside.append(drawing("rect", { y: CHART.top - 8, height: CHART.height - CHART.top - CHART.bottom + 16, width: "100%" }));
  const present = drawing("path", { class: "normgd-now" });
  node.append(inside, grid, present, curves);
  const traces = lines.map((line) => {
    const trace = line.cloneNode(true);
    trace.firstChild.classList.replace("normgd-path", "normgd-trace");
    for (const part of [...trace.children].slice(0, 2)) part.setAttribute("clip-path", `url(#${id}-inside)`);
    trace.normgdMark = trace.children[2].getAttribute("d");
    curves.append(trace);
    return trace;
  });
  let width = 0;

  /** Take the width there is, and tell whether it is another. */
  function measure() {
    const before = width;
    width = Math.round(node.parentNode.clientWidth);
    node.setAttribute("viewBox", `0 0 ${width} ${CHART.height}`);
    return width !== before;
  }

  /** Draw the values of the runs, of those not seen []; `now` is the step at which all else is seen. */
  function draw(values, floor, steps, now) {
    const inner = { width: width - CHART.left - CHART.right, height: CHART.height - CHART.top - CHART.bottom };
    if (inner.width < 20) return;
    const ceiling = 10 * Math.max(...plot.range.map(Math.abs)); // a diverging run must not flatten the others
    const level = plot.log
      ? (J) => Math.log10(Math.max(0, J - floor))
      : (J) => J;
    let stride = 1;
    let [low, high] = plot.log ? [Infinity, -Infinity] : plot.range;
    const seen = values.map((run) => run.map(level));
    if (plot.log) {
      for (const levels of seen) for (const y of levels) {
        if (y > high && y <= Math.log10(ceiling)) high = y;
        if (y < low && y > -Infinity) low = y;
      }
      // Whole decades, so that the axis stands still while the start is dragged.
      high = Number.isFinite(high) ? Math.ceil(high) : 0;
      low = Math.max(high - 16, Math.min(high - 1, Math.floor(low)));
      stride = Math.ceil((high - low) / 4);
      low = high - stride * Math.ceil((high - low) / stride);
    }
    const X = (t) => CHART.left + t / steps * inner.width;
    // A value off the chart is drawn just outside, where it is clipped: no flat top that looks like data.
    const Y = (y) => CHART.top + clamp((high - y) / (high - low), -0.2, 1.2) * inner.height;

    traces.forEach((trace, i) => {
      const levels = seen[i];
      trace.style.display = levels.length ? "" : "none";
      // Where a bouncing run would fill the chart with strokes, its values are dots.
      const crowded = X(1) - X(0) < 5;
      let line = "", dots = "", place = "", before = NaN, beyond = false;
      levels.forEach((value, t) => {
        const y = Y(value);
        const apart = crowded && Math.abs(y - before) > 8;
        const out = value > high || value < low;
        before = y;
        if (out && beyond) return; // it left the chart earlier
        beyond = out;
        place = `${X(t).toFixed(1)} ${y.toFixed(1)}`;
        line += `${apart || !line ? "M" : "L"}${place}`;
        if (apart) dots += `M${place}h0`;
      });
      const [curve, beads, mark] = trace.children;
      curve.setAttribute("d", line);
      beads.setAttribute("d", dots);
      // A run that ends off the chart ends in an arrow that says which way it went.
      const up = beyond && levels.at(-1) > high;
      mark.setAttribute("d", beyond ? (up ? "M0-7 6 4H-6z" : "M0 7 6-4H-6z") : trace.normgdMark);
      if (beyond) place = `${place.split(" ")[0]} ${up ? CHART.top : CHART.top + inner.height}`;
      mark.setAttribute("transform", place && `translate(${place})`);
    });

    present.setAttribute("d", now < steps ? `M${X(now).toFixed(1)} ${CHART.top}v${inner.height}` : "");
    const signature = [low, high, steps, width].join();
    if (grid.dataset.signature === signature) return;
    grid.dataset.signature = signature;
    grid.replaceChildren();
    const foot = CHART.top + inner.height;
    const label = (x, y, anchor, text) => grid.append(drawing("text", { x, y, "text-anchor": anchor }, text));
    let rules = `M${CHART.left} ${foot}h${inner.width}`;
    const heights = plot.log
      ? Array.from({ length: (high - low) / stride + 1 }, (_, k) => high - k * stride)
      : ticks(low, high, 4);
    for (const y of heights) {
      rules += `M${CHART.left} ${Y(y).toFixed(1)}h${inner.width}`;
      label(CHART.left - 8, Y(y) + 4.5, "end", plot.log ? (y === 0 ? "1" : y === 1 ? "10" : `10${superscript(y)}`) : exact(y));
    }
    for (const t of ticks(0, steps, 5).filter(Number.isInteger)) label(X(t), foot + 18, "middle", String(t));
    label(CHART.left + inner.width / 2, foot + 34, "middle", "step t");
    label(2, 12, "start", plot.log && plot.minimisers.length ? "J(w) − J*" : "J(w)");
    grid.append(drawing("path", { d: rules }));
  }

  return { node, measure, draw };
}
