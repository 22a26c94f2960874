// The U-curve: how rules end against their rate, and the paths for one rate (normgd/explorers/u_curve.py).

function u_curve(plot, functions) {
  const { value } = functions;
  const { grid, minimum, floor, far, good, aDecade, rules } = plot;
  const gaps = plot.figures.chart.y;

  const run = (i, rate, start, steps) => {
    const { turned, rates: all } = rules[i];
    return trajectory(functions[`step${i}`], rules[i], { ...all, [turned]: rate }, start, steps);
  };

  /** The worse one of the last two gaps. */
  function gap({ path, diverged }) {
    const end = Math.max(...path.slice(-2).map(value)) - minimum;
    return diverged === null && end < far ? end : far;
  }

  // The curves do not change while the rate does.
  const curves = remembered((start, steps) =>
    rules.map((_, i) => grid.map((rate) => gap(run(i, rate, start, steps)))));

  const written = (x) => (x >= far ? "diverged" : short(x));

  return {
    compute({ rate, steps, start }) {
      const before = value(start) - minimum;
      const marks = {
        now: [[rate, floor], [rate, gaps.high]],
        before: [[grid[0], before], [grid.at(-1), before]],
        cursor: [[rate, floor]],
        origin: [start],
      };
      const numbers = {};
      curves(start, steps).forEach((ends, i) => {
        const { label } = rules[i];
        const one = run(i, rate, start, steps);
        const end = gap(one);
        marks[`curve ${i}`] = grid.map((x, k) => [x, ends[k]]);
        marks[`end ${i}`] = [[rate, end]];
        marks[`path ${i}`] = marks[`steps ${i}`] = one.path;
        numbers[`${label}: gap`] = end;
        numbers[`${label}: best rate`] = grid[ends.indexOf(Math.min(...ends))];
        numbers[`${label}: decades`] = ends.filter((x) => x <= good * before).length / aDecade;
      });
      return { marks, numbers };
    },
    tell: (values, numbers) => rules.flatMap(({ label }) => [
      [`${label}: J − J* at this rate`, written(numbers[`${label}: gap`])],
      [`${label}: best rate on the curve`, short(numbers[`${label}: best rate`])],
      [`${label}: decades of rates below a thousandth of the start`, numbers[`${label}: decades`].toFixed(2)],
    ]),
    hover: ["cursor"],
    python({ rate, steps, start }) {
      const code = ({ python, rates, turned }, given) => filled(python, { ...rates, [turned]: given });
      return [
        "import numpy as np",
        "import normgd as ng",
        `J, start, steps = ${plot.python}, (${start.join(", ")}), ${steps}`,
        `rates = np.geomspace(${grid[0]}, ${grid.at(-1)}, ${grid.length})`,
        ...rules.map((rule) => `ends = ng.descend(J, start, ${code(rule, "rates")}, steps).J[-2:].max(axis=0) - J.minimum`),
        ...rules.map((rule) => `path = ng.descend(J, start, ${code(rule, rate)}, steps)`),
      ].join("\n");
    },
  };
}
