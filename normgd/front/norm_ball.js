// The norm ball: the steepest step of length 1 in three norms (normgd/explorers/norm_ball.py).

function norm_ball(plot, pieces) {
  const DEGREE = Math.PI / 180;
  const { balls, norms } = plot;
  const reach = plot.figures.plane.x.high;
  const names = Object.keys(norms);
  const degrees = ([x, y]) => Math.atan2(y + 0, x + 0) / DEGREE; // + 0: no angle of −0
  const written = (angle) => `${minus(angle.toFixed(1).replace(/^-0\.0$/, "0.0"))}°`;
  const downhill = (name, g) => pieces[name](g).map((x) => -x);

  /** Angles against those of the ring, broken where they jump. */
  function curve(name) {
    const points = [];
    balls.Unit.forEach((g, k) => {
      const angle = degrees(downhill(name, g));
      if (k && Math.abs(angle - points.at(-1)[1]) > 30) points.push([NaN, NaN]);
      points.push([k - 180, angle]);
    });
    return points;
  }
  const turns = Object.fromEntries(names.map((name) => [name, curve(name)]));

  return {
    compute({ angle }) {
      const g = [Math.cos(angle * DEGREE), Math.sin(angle * DEGREE)];
      const across = [-g[1], g[0]];
      const marks = { gradient: [[0, 0], g], now: [[angle, -195], [angle, 195]], tip: [g] };
      const numbers = {};
      for (const name of names) {
        const d = downhill(name, g);
        marks[`ball ${name}`] = balls[name];
        marks[`edge ${name}`] = [-2, 2].map((side) => d.map((x, i) => x + side * reach * across[i]));
        marks[`step ${name}`] = [[0, 0], d];
        marks[`here ${name}`] = [[angle, degrees(d)]];
        marks[`turn ${name}`] = turns[name];
        numbers[name] = degrees(d);
        numbers[`slope of ${name}`] = g[0] * d[0] + g[1] * d[1];
      }
      return { marks, numbers };
    },
    tell: (values, numbers) => names.map((name) =>
      [`in ${norms[name]}`, `${written(numbers[name])}, slope ${short(numbers[`slope of ${name}`])}`]),
    drag: { tip: (xy) => ({ angle: Math.round(degrees(xy)) + 0 }) },
    python: ({ angle }) => [
      "import numpy as np",
      "import normgd as ng",
      `theta = np.deg2rad(${angle})`,
      "g = np.array([np.cos(theta), np.sin(theta)])",
      "steps = [-piece(g) for piece in (ng.Unit(), ng.Sign(), ng.Greedy())]",
      "print([(d, g @ d) for d in steps])",
    ].join("\n"),
  };
}
