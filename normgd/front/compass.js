// The compass: where g/‖g‖ points as a critical point is approached (normgd/explorers/compass.py).

function compass(plot, { value, gradient, unit }) {
  const { at, hessian: H, way } = plot;
  const from = (r, v) => at.map((x, i) => x + r * v[i]);
  const ring = RING.map(heading);
  const size = Math.hypot(...H.flat());

  /** Hv/‖Hv‖, or NaN where Hv = 0. */
  function limitOf(v) {
    const product = H.map((row) => row[0] * v[0] + row[1] * v[1]);
    const length = Math.hypot(...product);
    return product.map((x) => (length > 1e-12 * size ? x / length : NaN));
  }

  const limits = turning(ring.map(limitOf), 180);

  /** Gradient descent's steps from w* + rv, in radii, until it is near w* or far. */
  function descent(r, v, steepest) {
    const alpha = way.share * r / steepest;
    const path = [v];
    let w = from(r, v);
    for (let t = 0; t < way.steps; t++) {
      const [x, y] = path.at(-1);
      const distance = Math.hypot(x, y);
      if (!(distance > way.near && distance < way.far)) break;
      const g = gradient(w);
      w = w.map((z, i) => z - alpha * g[i]);
      path.push(w.map((z, i) => (z - at[i]) / r));
    }
    return path;
  }

  function compute({ angle, radius: r }) {
    const v = heading(angle);
    const directions = ring.map((v) => unit(from(r, v)));
    const u = unit(from(r, v));
    const limit = limitOf(v);
    const path = descent(r, v, Math.max(...ring.map((v) => Math.hypot(...gradient(from(r, v))))));
    const end = path.at(-1);
    const here = [angle, degrees(u)];
    return {
      marks: {
        field: ring.slice(0, -1).flatMap(([x, y], k) =>
          (k % 15 ? [] : [[x, y], [x + 0.16 * directions[k][0], y + 0.16 * directions[k][1]], [NaN, NaN]])),
        way: path,
        steps: path.slice(1, 13),
        limit: [[0, 0], limit.map((x) => 1.3 * x)],
        unit: [[0, 0], u],
        limits,
        units: turning(directions, 180),
        same: [[-180, -180], [180, 180]],
        now: upright(angle),
        here: [here],
        approach: [v],
      },
      numbers: {
        direction: here[1],
        limit: degrees(limit),
        distance: distance(u, limit),
        gradient: Math.hypot(...gradient(from(r, v))),
        way: degrees(unit(from(r, end))),
        end: Math.hypot(...end),
      },
    };
  }

  let contoured = plot.initial.values.radius;

  return {
    compute,
    tell: (values, { direction, limit, distance, gradient, way: last, end }) => [
      ["direction of u", inDegrees(direction)],
      ["its limit as r → 0", Number.isNaN(limit) ? "not told by H: Hv = 0" : inDegrees(limit)],
      ["distance of the two", distance < 1e-9 ? "below 1e−9" : short(distance)],
      ["gradient ‖g‖", short(gradient)],
      ["descent from there", end > 1 ? "leaves" : `u ${end < 10 * way.near ? "→" : "so far at"} ${inDegrees(last)}`],
    ],
    drag: { approach: turned },
    python: ({ angle, radius }) => [
      "import numpy as np",
      "import normgd as ng",
      `J, at = ${plot.python}, np.array([${at.join(", ")}])`,
      `phi, r = np.deg2rad(${angle}), ${radius}`,
      "v = np.array([np.cos(phi), np.sin(phi)])",
      "u = ng.unit(J.grad(at + r * v))",
      "limit = ng.unit(J.hess(at) @ v)",
      "print(np.rad2deg(np.arctan2(u[1], u[0])), np.rad2deg(np.arctan2(limit[1], limit[0])))",
    ].join("\n"),
    /** The level lines of J follow the radius. */
    draw(find, { radius: r }) {
      if (r === contoured) return;
      contoured = r;
      const { low, high } = plot.figures.plane.x;
      const lowest = value(at);
      const height = Math.max(...ring.map((v) => Math.abs(value(from(r, v)) - lowest)));
      const n = 64;
      const side = Array.from({ length: n + 1 }, (_, k) => low + (high - low) * k / n);
      const heights = side.map((y) => side.map((x) => (value(from(r, [x, -y])) - lowest) / height));
      const levels = Array.from({ length: 8 }, (_, k) => ((k + 1) / 4) ** 2).flatMap((x) => [x, -x]);
      const path = drawing("path", { d: contours(heights, levels, 4 * plot.figures.plane.width / n) });
      find(".normgd-contours").replaceChildren(path);
    },
  };
}
