"""Fit of the intensity curves between two contrasts, in both directions, without pairs."""

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
ROUGH, FINE = (1024, 8, 3), (2048, 16, 3)  # patches, directions and shapes per step
# Weight of the round trip in the final choice between good curves. Lower, because the right curves
# do not invert each other either if two tissues have the same intensity in one contrast.
LAST_WEIGHT = 0.1
# Largest distance without a warning, relative to the distance between halves of the images of a
# contrast: 1 to 2 for phantoms and skull-stripped brains, where curves are right, 4 to 6 for raw
# clinical scans, where curves are wrong.
FAR = 3.0
DIFFERENT = 0.25  # smallest mean absolute difference of two curves that count as different

Scored = tuple[float, descent.State]  # distance and curve


class CurvePair(NamedTuple):
    """Intensity curves of both directions.

    Attributes:
        ab: Curve from A to B: values at equally spaced intensities from -1 to 1, float32
            `(nodes,)`.
        ba: Curve from B to A.
        distance_ab: Patch distance between A mapped by `ab` and B.
        distance_ba: Patch distance between B mapped by `ba` and A.
        round_trip: Sum of the mean absolute errors of both round trips, A to B to A and B to A to
            B.
        scale: Patch distance between halves of A plus that between halves of B: the smallest
            `distance_ab + distance_ba` to be expected.
        margin: Relative excess of the next best pair of clearly different curves. Near 0, another
            pair fits the images equally well: inspect both contrasts after mapping.
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
    """Fit the intensity curves between two contrasts without pairs.

    The best curve maps A to B not only in the histogram, which may be unaffected by a swap of
    two tissues, but also in patches of several sizes and in the positions of these patches. Adam
    minimises the sliced Wasserstein distance between the patches of both contrasts from 24 random
    initial guesses for each direction. In the end several curves are often about equally close,
    some with two tissues swapped: the result is the pair of close curves that invert each other
    best. Several independent searches with different patches and guesses are run, since a single
    search may miss the right curve.

    Air stays air: the curves start at (-1, -1). Computed in NumPy: the result does not depend on
    the backend. A search takes some seconds to half a minute on two cores, for any number of
    images.

    Args:
        a: Images of A, `(images, height, width, 1)`, floats in [-1, 1] with air at -1.
        b: Images of B, of the same format. Patients, slices and number of images may differ from
            A, but heads should have about the same position and size.
        searches: Integer of at least 1, number of independent searches. Defaults to 2.
        seed: Integer of at least 0. Defaults to 0.
        effort: A :class:`SearchEffort`, the effort of each search. Defaults to `None`:
            `SearchEffort()`.
        verbose: 1 to show a progress bar. Defaults to 0.

    Returns:
        The best :class:`CurvePair`.

    Warns:
        UserWarning: After mapping, the distance between both contrasts exceeds three times the
            distance between halves of the images of one contrast.

    Raises:
        ValueError: Images of another rank, with more than one channel, of less than 9 pixels along
            an axis, with NaN, or without a pixel above air; `effort` of another type.

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
    results = []
    for done in range(1, searches + 1):
        results.append(_search(patches_of(a, rng), patches_of(b, rng), rng, effort))
        if progress is not None:
            progress.update(done)
    to_b, to_a = (
        [state.curve for scored in direction for _, state in scored]
        for direction in zip(*results, strict=True)
    )
    best = _best(to_b, to_a, patches_of(a, rng), patches_of(b, rng))
    best = best._replace(scale=_between_halves(a, rng) + _between_halves(b, rng))
    if best.scale and best.distance_ab + best.distance_ba > FAR * best.scale:
        warnings.warn(
            "The fitted intensity curves do not match the contrasts: the remaining distance is "
            f"{best.distance_ab + best.distance_ba:.2f}, "
            f"{(best.distance_ab + best.distance_ba) / best.scale:.1f} times the distance between "
            "halves of the images of each contrast. Inspect the images after mapping by both "
            "curves. Crop both contrasts to the same region of the head, without neck, with air at "
            "-1; for heads with named contrasts use `keras_mri_cyclegan.recipes.heads`.",
            stacklevel=2,
        )
    return best


def _between_halves(images: np.ndarray, rng: np.random.Generator) -> float:
    """Return the patch distance between the images of even and of odd index."""
    if len(images) < 2:
        return 0.0
    first, second = (patches_of(half, rng) for half in (images[::2], images[1::2]))
    identity = np.linspace(-1, 1, curves.NODES).astype("float32")
    return patch_distance(identity, first, second)


def _search(
    a: Sequence[Patches],
    b: Sequence[Patches],
    rng: np.random.Generator,
    effort: SearchEffort,
) -> list[list[Scored]]:
    """Return the finalists of both directions, from one draw of initial guesses."""
    sources, targets, rngs, efforts = (a, b), (b, a), rng.spawn(2), (effort, effort)
    # Two threads: NumPy releases the interpreter lock during sorts and matrix products.
    with ThreadPoolExecutor(2) as pool:
        candidates = list(pool.map(_first_steps, sources, targets, rngs, efforts))
        chosen = _finalists(_ranked(candidates, a, b), effort.finalists)
        return list(pool.map(_last_steps, chosen, sources, targets, rngs, efforts))


def _best(
    to_b: Sequence[np.ndarray],
    to_a: Sequence[np.ndarray],
    a: Sequence[Patches],
    b: Sequence[Patches],
) -> CurvePair:
    """Return the pair of curves of least distance and, among similar ones, least round trip."""
    distances_b = [patch_distance(curve, a, b) for curve in to_b]
    distances_a = [patch_distance(curve, b, a) for curve in to_a]
    pairs = [
        CurvePair(ab, ba, distance_ab, distance_ba, _round_trip(ab, ba, a[0], b[0]))
        for ab, distance_ab in zip(to_b, distances_b, strict=True)
        for ba, distance_ba in zip(to_a, distances_a, strict=True)
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
    smallest = smallest_size()
    if array.ndim != 4 or array.shape[-1] != 1 or min(array.shape[1:3]) < smallest:
        raise ValueError(
            f"`{name}` must have shape (images, height, width, 1) with height and width of at "
            f"least {smallest}. Received: shape {array.shape}. Pass volumes as slices, and a "
            "single channel."
        )
    _checks.warn_range(name, array)
    if not (array > AIR).any():
        raise ValueError(
            f"`{name}` must hold pixels above air ({AIR}). Received: values in "
            f"[{array.min():g}, {array.max():g}]. Scale the images to [-1, 1], with air at -1."
        )
    return array[..., 0]


def _first_steps(
    source: Sequence[Patches],
    target: Sequence[Patches],
    rng: np.random.Generator,
    effort: SearchEffort,
) -> list[Scored]:
    """Optimise the initial guesses on few patches, by successive halving in three rounds.

    All guesses take a third of the first steps, the better half two thirds, the best quarter all.
    """
    states = [descent.begin(guess) for guess in _guesses(rng, effort.starts)]
    for third in range(1, 4):
        until = -(-third * effort.first_steps // 3)
        states = [
            descent.descend(state, until, effort.steps, source, target, *ROUGH, rng=rng)
            for state in states
        ]
        scored = [
            (patch_distance(state.curve, source, target, *ROUGH[:2]), state) for state in states
        ]
        if third < 3:
            scored.sort(key=lambda pair: pair[0])
            kept = max(effort.finalists, -(-len(scored) // 2))
            states = [state for _, state in scored[:kept]]
    return scored


def _last_steps(
    states: Sequence[descent.State],
    source: Sequence[Patches],
    target: Sequence[Patches],
    rng: np.random.Generator,
    effort: SearchEffort,
) -> list[Scored]:
    """Optimise the finalists in all remaining steps, on more patches."""
    scored = []
    for state in states:
        state = descent.descend(state, effort.steps, effort.steps, source, target, *FINE, rng=rng)
        scored.append((patch_distance(state.curve, source, target), state))
    return scored


def _ranked(
    candidates: Sequence[Sequence[Scored]], a: Sequence[Patches], b: Sequence[Patches]
) -> list[tuple[Scored, Scored, float]]:
    """Return all pairs of curves with the errors of their round trips, the best pair first.

    In one direction several curves are often as close as the right curve, including curves that
    swap two tissues. A wrong curve is hardly ever inverted by a curve of the other direction.
    """
    to_b, to_a = candidates
    pairs = [
        (ab, ba, _round_trip(ab[1].curve, ba[1].curve, a[0], b[0])) for ab in to_b for ba in to_a
    ]
    return sorted(pairs, key=lambda pair: pair[0][0] + pair[1][0] + ROUND_TRIP_WEIGHT * pair[2])


def _finalists(
    ranked: Sequence[tuple[Scored, Scored, float]], count: int
) -> tuple[list[descent.State], list[descent.State]]:
    """Return the first `count` distinct curves of each direction, in the order of their pairs."""
    chosen: tuple[list, list] = ([], [])
    for *pair, _ in ranked:
        for states, (_, state) in zip(chosen, pair, strict=True):
            if len(states) < count and not any(state is other for other in states):
                states.append(state)
    return chosen


def _guesses(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Return initial guesses: the identity, a negative, and random piecewise linear curves."""
    x = np.linspace(-1, 1, curves.NODES)
    guesses = [x, np.where(x < AIR, -1, -x)]
    while len(guesses) < count:
        knots = int(rng.integers(3, 9))
        places, values = np.linspace(-0.9, 1, knots), rng.uniform(-1, 1, knots)
        guesses.append(np.interp(x, [-1, *places], [-1, *values]))
    return guesses


def _round_trip(ab: np.ndarray, ba: np.ndarray, a: Patches, b: Patches) -> float:
    """Return the sum of the mean absolute errors of both round trips."""
    error = 0.0
    for values, forward, backward in (
        (a.values[:ROUND_TRIPS], ab, ba),
        (b.values[:ROUND_TRIPS], ba, ab),
    ):
        mapped = curves.apply(forward, *curves.locate(values))
        cycled = curves.apply(backward, *curves.locate(mapped))
        error += float(np.abs(cycled - values).mean())
    return error
