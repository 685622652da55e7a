"""Both curves between two contrasts, from images that are no pairs."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.unpaired_curves import curve as curves
from keras_mri_cyclegan.unpaired_curves import descent
from keras_mri_cyclegan.unpaired_curves.patch_distance import patch_distance, patches_of
from keras_mri_cyclegan.unpaired_curves.patches import AIR, Patches, smallest_size
from keras_mri_cyclegan.unpaired_curves.search_effort import SearchEffort

ROUND_TRIPS = 4096  # values
ROUND_TRIP_WEIGHT = 1.0
ROUGH, FINE = (1024, 8, 3), (2048, 16, 3)  # patches, directions, shapes of a step
# At the last choice, between good curves, it counts less: where two tissues are alike in one
# contrast, the right curves do not undo each other either.
LAST_WEIGHT = 0.1
# Of the distance between halves: 1 to 2 between phantoms and in stripped brains, where curves are
# right, 4 to 6 in raw clinical scans, where they are wrong.
FAR = 3.0
DIFFERENT = 0.25  # mean absolute difference of two curves

Scored = tuple[float, descent.State]  # a distance and the curve that has it


class CurvePair(NamedTuple):
    """The curves of both directions.

    Attributes:
        ab: From A to B: values at equally spaced intensities from -1 to 1, float32 `(nodes,)`.
        ba: From B to A.
        distance_ab: How far the patches of A, seen through `ab`, are from those of B.
        distance_ba: The other way round.
        round_trip: The mean absolute errors of values that went there and back, both ways added.
        scale: How far patches of random halves of A, and of B, are from each other, added: what
            `distance_ab + distance_ba` would be at the least.
        margin: How much worse the next pair of quite different curves is, as a share. Near 0
            another pair explains the scans as well: look at both contrasts through these curves.
    """

    ab: np.ndarray
    ba: np.ndarray
    distance_ab: float
    distance_ba: float
    round_trip: float
    scale: float = 0.0
    margin: float = np.inf


@_checks.one_range_warning()
def fit_curves(
    a: Any,
    b: Any,
    searches: int = 2,
    seed: int = 0,
    effort: SearchEffort | None = None,
    verbose: int = 0,
) -> CurvePair:
    """Find the intensity curves between two contrasts without pairs.

    The best curve is the one through which A looks like B: not only its histogram, which a swap
    of two tissues may leave as it is, but its patches of several sizes and where in the image they
    lie. The distance between the patches of both is the sliced Wasserstein distance, followed by
    Adam from 24 random first guesses for each direction. Several are about as close in the end,
    some with two tissues swapped: the two are taken that are close and undo each other. There are
    several such searches, each with other patches and other guesses, since one may miss the right
    curve.

    Air stays air: the curves begin at (-1, -1). Plain NumPy: the result is the same with every
    backend. A search takes some seconds to half a minute on two cores, whatever the number of
    images.

    Args:
        a: Images of A, `(images, height, width, 1)`, floats in [-1, 1] with air at -1.
        b: Images of B, likewise: other people, other slices, another number of them. The heads
            should lie about alike in both.
        searches: Integer of at least 1, how many independent searches are made. Defaults to 2.
        seed: Integer of at least 0. Defaults to 0.
        effort: A :class:`SearchEffort`, how much work each search does. Defaults to `None`:
            `SearchEffort()`.
        verbose: Whether to show a progress bar. Defaults to 0, no.

    Returns:
        A :class:`CurvePair`, the best one.

    Warns:
        UserWarning: The curves found leave A three times as far from B as halves of the images of
            one contrast are from each other.

    Raises:
        ValueError: Images of another rank, with more than one channel, below 9 pixels, with NaN,
            or without a pixel above air; `effort` of another type.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.unpaired_curves import SearchEffort, fit_curves
        >>> t1, _ = kmc.datasets.load_phantom(slices=8, size=64, subjects=[0])
        >>> _, t2 = kmc.datasets.load_phantom(slices=8, size=64, subjects=[1])
        >>> quick = SearchEffort(starts=2, finalists=1, first_steps=2, steps=4)  # a demo
        >>> curves = fit_curves(t1, t2, searches=1, effort=quick)
        >>> curves.ab.shape
        (48,)

    References:
        Rabin, Peyré, Delon and Bernot, "Wasserstein Barycenter and its Application to Texture
        Mixing", SSVM 2011, https://doi.org/10.1007/978-3-642-24785-9_37
    """
    searches = _checks.positive_int("searches", searches)
    rng = np.random.default_rng(_checks.positive_int("seed", seed, minimum=0))
    effort = SearchEffort() if effort is None else effort
    if not isinstance(effort, SearchEffort):
        raise ValueError(f"`effort` must be a `SearchEffort`. Received: {effort!r}.")
    a, b = _checked("a", a), _checked("b", b)
    progress = keras.utils.Progbar(searches, unit_name="curve search") if verbose else None
    found = []
    for done in range(1, searches + 1):
        found.append(_search(patches_of(a, rng), patches_of(b, rng), rng, effort))
        if progress is not None:
            progress.update(done)
    there, back = (
        [state.curve for scored in ways for _, state in scored] for ways in zip(*found, strict=True)
    )
    best = _best(there, back, patches_of(a, rng), patches_of(b, rng))
    best = best._replace(scale=_between_halves(a, rng) + _between_halves(b, rng))
    if best.scale and best.distance_ab + best.distance_ba > FAR * best.scale:
        warnings.warn(
            "The intensity curves that were found do not make one contrast look like the other: "
            f"they leave a distance of {best.distance_ab + best.distance_ba:.2f}, "
            f"{(best.distance_ab + best.distance_ba) / best.scale:.1f} times that between halves "
            "of the images of each contrast. Look at the images through both curves. Heads of the "
            "same region, without neck, and with air at -1 help; for heads with named contrasts "
            "use `keras_mri_cyclegan.recipes.heads`.",
            stacklevel=2,
        )
    return best


def _between_halves(images: np.ndarray, rng: np.random.Generator) -> float:
    """Return the distance between the patches of every other image and of the rest."""
    if len(images) < 2:
        return 0.0
    first, second = (patches_of(half, rng) for half in (images[::2], images[1::2]))
    same = np.linspace(-1, 1, curves.NODES).astype("float32")
    return patch_distance(same, first, second)


def _search(
    a: Sequence[Patches],
    b: Sequence[Patches],
    rng: np.random.Generator,
    effort: SearchEffort,
) -> list[list[Scored]]:
    """Return the curves of both directions that one draw of first guesses leads to."""
    sources, targets, rngs, efforts = (a, b), (b, a), rng.spawn(2), (effort, effort)
    # Two threads: NumPy lets go of the interpreter's lock while it sorts and multiplies.
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(_first_steps, sources, targets, rngs, efforts))
        chosen = _finalists(_ranked(found, a, b), effort.finalists)
        return list(pool.map(_last_steps, chosen, sources, targets, rngs, efforts))


def _best(
    there: Sequence[np.ndarray],
    back: Sequence[np.ndarray],
    a: Sequence[Patches],
    b: Sequence[Patches],
) -> CurvePair:
    """Return the two curves that are close and, where several are, undo each other best."""
    to_b = [patch_distance(curve, a, b) for curve in there]
    to_a = [patch_distance(curve, b, a) for curve in back]
    pairs = [
        CurvePair(ab, ba, near_b, near_a, _round_trip(ab, ba, a[0], b[0]))
        for ab, near_b in zip(there, to_b, strict=True)
        for ba, near_a in zip(back, to_a, strict=True)
    ]
    totals = np.array(
        [pair.distance_ab + pair.distance_ba + LAST_WEIGHT * pair.round_trip for pair in pairs]
    )
    best = pairs[int(totals.argmin())]
    rivals = [
        total
        for total, pair in zip(totals, pairs, strict=True)
        if max(np.abs(pair.ab - best.ab).mean(), np.abs(pair.ba - best.ba).mean()) > DIFFERENT
    ]
    margin = min(rivals, default=np.inf) / max(totals.min(), 1e-9) - 1
    return best._replace(margin=float(margin))


def _checked(name: str, value: Any) -> np.ndarray:
    array = _checks.images(name, value)
    least = smallest_size()
    if array.ndim != 4 or array.shape[-1] != 1 or min(array.shape[1:3]) < least:
        raise ValueError(
            f"`{name}` must have shape (images, height, width, 1) with sizes of at least {least}. "
            f"Received: shape {array.shape}. Of volumes pass the slices, of several channels one."
        )
    _checks.warn_range(name, array)
    if not (array > AIR).any():
        raise ValueError(
            f"`{name}` holds air alone: no value is above {AIR}. Received: values in "
            f"[{array.min():g}, {array.max():g}]."
        )
    return array[..., 0]


def _first_steps(
    source: Sequence[Patches],
    target: Sequence[Patches],
    rng: np.random.Generator,
    effort: SearchEffort,
) -> list[Scored]:
    """Follow every first guess a little way, the better half further, their better half to the end.

    All on few patches.
    """
    states = [descent.begin(guess) for guess in _guesses(rng, effort.starts)]
    for third in range(1, 4):
        until = -(-third * effort.first_steps // 3)
        states = [
            descent.descend(state, until, effort.steps, source, target, *ROUGH, rng=rng)
            for state in states
        ]
        found = [
            (patch_distance(state.curve, source, target, *ROUGH[:2]), state) for state in states
        ]
        if third < 3:
            found.sort(key=lambda one: one[0])
            most = max(effort.finalists, -(-len(found) // 2))
            states = [state for _, state in found[:most]]
    return found


def _last_steps(
    states: Sequence[descent.State],
    source: Sequence[Patches],
    target: Sequence[Patches],
    rng: np.random.Generator,
    effort: SearchEffort,
) -> list[Scored]:
    """Follow the finalists to their end, on more patches."""
    found = []
    for state in states:
        state = descent.descend(state, effort.steps, effort.steps, source, target, *FINE, rng=rng)
        found.append((patch_distance(state.curve, source, target), state))
    return found


def _ranked(
    found: Sequence[Sequence[Scored]], a: Sequence[Patches], b: Sequence[Patches]
) -> list[tuple[Scored, Scored, float]]:
    """Return all pairs of curves and the errors of their round trips, the best pair first.

    In one direction several curves are often as close as the right one, a swap of two tissues among
    them. Hardly ever is there a wrong one that the other direction's curve undoes.
    """
    there, back = found
    pairs = [
        (one, other, _round_trip(one[1].curve, other[1].curve, a[0], b[0]))
        for one in there
        for other in back
    ]
    return sorted(pairs, key=lambda pair: pair[0][0] + pair[1][0] + ROUND_TRIP_WEIGHT * pair[2])


def _finalists(
    ranked: Sequence[tuple[Scored, Scored, float]], count: int
) -> tuple[list[descent.State], list[descent.State]]:
    """Return the first `count` different curves of each direction, in the order of their pairs."""
    chosen: tuple[list, list] = ([], [])
    for *pair, _ in ranked:
        for states, (_, state) in zip(chosen, pair, strict=True):
            if len(states) < count and not any(state is other for other in states):
                states.append(state)
    return chosen


def _guesses(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Return a copy, a negative, and lines through a few random points."""
    x = np.linspace(-1, 1, curves.NODES)
    guesses = [x, np.where(x < AIR, -1, -x)]
    while len(guesses) < count:
        knots = int(rng.integers(3, 9))
        places, values = np.linspace(-0.9, 1, knots), rng.uniform(-1, 1, knots)
        guesses.append(np.interp(x, [-1, *places], [-1, *values]))
    return guesses


def _round_trip(ab: np.ndarray, ba: np.ndarray, a: Patches, b: Patches) -> float:
    """Return the mean absolute errors of both round trips, added."""
    error = 0.0
    for values, there, back in ((a.values[:ROUND_TRIPS], ab, ba), (b.values[:ROUND_TRIPS], ba, ab)):
        mapped = curves.apply(there, *curves.locate(values))
        again = curves.apply(back, *curves.locate(mapped))
        error += float(np.abs(again - values).mean())
    return error
