"""Checks of the exercises of chapter 7."""

from . import Exercise

hand = Exercise(
    "iterates",
    solution=[1.3, -0.7, 0.3, -0.2],
    mistakes=[
        (
            [-2.7, 1.3, -0.7, 0.3],
            "You began with a length of 8. At t = 0 the exponent is -1: the first step is only "
            "half as long as the distance that you allow for.",
        ),
        (
            [1.3, -0.7, -1.7, -2.2],
            "You went on in the same direction. The step goes against the slope, and the slope "
            "changes its sign where the ball has crossed the minimum.",
        ),
        (
            [1.3, -2.7, 1.3, -2.7],
            "That is a constant length of 4. Here each length is half the one before.",
        ),
        (
            [5.3, 1.3, -0.7, 0.3],
            "Your list begins with the start itself. Asked for are the points after the first "
            "four steps.",
        ),
    ],
    praise="And the bound has halved each time, from 8 to 0.5.",
)

SUMS = {
    "0.001": "rattles",
    "0.999**t": "may stop short",
    "1/(t+1)": "iterates converge",
    "1/sqrt(t+1)": "best value converges",
    "1/(t+1)**1.5": "may stop short",
    "(t+1)**-0.7": "iterates converge",
}

sums = Exercise(
    "verdicts",
    solution=SUMS,
    mistakes=[
        (
            {**SUMS, "0.001": "iterates converge"},
            "A short step is still a constant one: it rattles as narrowly as it is short, and it "
            "does so for ever.",
        ),
        (
            {**SUMS, "0.999**t": "iterates converge"},
            "They shrink so slowly that they look endless, but a geometric series has a finite "
            "sum, and there are starts beyond it.",
        ),
        (
            {**SUMS, "1/sqrt(t+1)": "iterates converge"},
            "The theorem asks more of lengths whose iterates are to converge: look at the sum of "
            "their squares.",
        ),
        (
            {**SUMS, "1/(t+1)**1.5": "iterates converge"},
            "The squares add up to something finite, but so do the lengths themselves, and then "
            "it is a finite journey.",
        ),
        (
            {**SUMS, "1/(t+1)": "may stop short"},
            "Terms that tend to 0 need not have a finite sum: this one is the harmonic series.",
        ),
    ],
    praise="For powers of t+1, everything happens between the exponents 1/2 and 1.",
)


DECADES = {"constant": 0.5, "linear": 2.2, "cosine": 3.9}  # a test counts them again

decades = Exercise(
    "decades",
    solution=DECADES,
    tolerance=0.1,
    mistakes=[
        (
            {"constant": 1.2, "linear": 3.2, "cosine": 4.0},
            "You counted best values. A best value was visited and may be lost again: count the "
            "late ones.",
        ),
        (
            {name: 10 * n for name, n in DECADES.items()},
            "You counted lengths. Divide by how many of them there are in a decade.",
        ),
        (
            {"constant": 0.0, "linear": 1.6, "cosine": 2.9},
            "You compared with 0.001 itself. The unit of J is not given by nature: compare with "
            "the value at the start.",
        ),
    ],
    praise="Where the length ends at 0, a first length that is far too long costs little.",
)

CONVERGES = {
    "gd 0.45": True,
    "gd 0.55": False,
    "gd 0.2*0.5**t": False,
    "ngd 0.0045": False,
    "ngd 0.45/(t+1)": True,
    "ngd 0.45*0.5**t": True,
    "ngd 0.45*0.3**t": False,
}

debug = Exercise(
    "converges",
    solution=CONVERGES,
    mistakes=[
        (
            {**CONVERGES, "gd 0.2*0.5**t": True, "ngd 0.45*0.3**t": True},
            "You believed the sentence: steps that tend to 0 land. Add them all up and compare "
            "with the distance.",
        ),
        (
            {**CONVERGES, "ngd 0.0045": True},
            "A shorter constant length rattles more narrowly, but it rattles, unless the start is "
            "a whole multiple of it.",
        ),
        (
            {**CONVERGES, "gd 0.2*0.5**t": True},
            "By what is x multiplied at each step, and is the product of these factors 0? "
            "Shrinking sizes can be too much for gradient descent, too.",
        ),
        (
            {**CONVERGES, "ngd 0.45*0.3**t": True},
            "Lengths that tend to 0 are not enough: add them all up and compare with the distance.",
        ),
        (
            {**CONVERGES, "ngd 0.45*0.5**t": False},
            "A finite sum may stop short, but it need not: this one is long enough, and it halves.",
        ),
        (
            {**CONVERGES, "gd 0.55": True},
            "The curvature is 4, not 2: the second derivative of 2x^2.",
        ),
    ],
    praise="Steps that diminish are necessary, and they are not enough.",
)
