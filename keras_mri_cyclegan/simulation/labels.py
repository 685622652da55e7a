"""Label tables: the tissue of each number of a label map."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mri_cyclegan.simulation.tissues import TISSUES

AIR = "air"
_COUNTABLE = 2**20  # up to here counting labels is faster than sorting them


def _table(**numbers: tuple[int, ...]) -> dict[int, str]:
    return {number: tissue for tissue, those in numbers.items() for number in those}


# FreeSurfer's colour table (aseg), left and right, with the parcels of the cortex as one tissue.
FREESURFER = _table(
    air=(0,),
    white_matter=(2, 41, 7, 46, 85, 192, 251, 252, 253, 254, 255),  # 85: optic chiasm
    grey_matter=(3, 42, 8, 47, 17, 53, 18, 54, 80, *range(1001, 1036), *range(2001, 2036)),
    caudate=(11, 50, 26, 58),  # and the accumbens nucleus
    putamen=(12, 51),
    pallidum=(13, 52),
    thalamus=(9, 10, 48, 49),
    brain_stem=(16, 28, 60),  # and the ventral diencephalon
    lesion=(25, 57, 77, 78, 79),  # and hypointense white matter
    ventricle=(4, 43, 5, 44, 14, 15, 72),
    csf=(24,),
    choroid_plexus=(31, 63),
    blood=(30, 62),
)

# What SimNIBS' CHARM has outside the brain, by the names in the table of its atlas
# (compressionLookupTable.txt).
CHARM = _table(
    air=(501, 517),  # inside the head, and around it
    blood=(502, 514),  # arteries, veins
    vitreous=(506,),
    soft_tissue=(507,),
    muscle=(508,),  # the rectus muscles, which turn the eyes
    mucosa=(509,),
    skin=(511,),
    nerve=(512, 530),  # spinal cord, optic nerve
    bone=(515,),  # compact
    marrow=(516,),  # spongy bone
    csf=(520,),  # around the cortex
)
# SynthSeg's numbers for the choroid plexus (FreeSurfer's 31 and 63): 136 and 163 in the left and
# the right lateral ventricle, 137 and 164 in its inferior horn. SynthSeg does not document them.
# They border on these ventricles, its maps have no 31 and no 63, and
# https://github.com/BBillot/SynthSeg/issues/119 comes to the same conclusion.
SYNTHSEG = {
    **FREESURFER,
    **CHARM,
    **_table(choroid_plexus=(136, 137, 163, 164)),
}

# The tissues that SimNIBS 4 ends with (`final_tissues.nii.gz`).
SIMNIBS = _table(
    air=(0,),
    white_matter=(1,),
    grey_matter=(2,),
    csf=(3,),
    bone=(4, 7),
    soft_tissue=(5,),  # the scalp and all below it
    vitreous=(6,),
    marrow=(8,),
    blood=(9,),
    muscle=(10,),
)

# BrainWeb's discrete anatomical models, with and without the lesions of multiple sclerosis.
BRAINWEB = _table(
    air=(0,),
    csf=(1,),
    grey_matter=(2, 8),  # 8: glial matter, which has grey matter's T1 and T2 there
    white_matter=(3,),
    fat=(4,),
    muscle=(5, 9),  # 9: connective tissue
    skin=(6,),
    bone=(7,),
    lesion=(10,),
)

LABEL_TABLES = {
    "freesurfer": FREESURFER,
    "charm": {**_table(air=(0,)), **CHARM},
    "synthseg": SYNTHSEG,
    "simnibs": SIMNIBS,
    "brainweb": BRAINWEB,
}


def label_table(table: str | Mapping[int, str]) -> dict[int, str]:
    """The tissue of each label.

    Args:
        table: `"freesurfer"`; `"charm"`, the numbers above 500 of SimNIBS' CHARM; `"synthseg"`,
            both of them together; `"simnibs"`, the tissues 1 to 10 that SimNIBS ends with;
            `"brainweb"`, the discrete models of BrainWeb; or a dictionary from labels to the names
            in `TISSUES` or `"air"`. 0 is air unless the dictionary says otherwise.

    Returns:
        A dictionary from labels to names of tissues.

    Raises:
        ValueError: Another name, labels that are not integers of at least 0, or tissues that are
            not in `TISSUES`.

    Example:
        >>> from keras_mri_cyclegan.simulation import label_table
        >>> label_table("freesurfer")[41], label_table({1: "csf"})
        ('white_matter', {0: 'air', 1: 'csf'})
    """
    if isinstance(table, str):
        if table not in LABEL_TABLES:
            raise ValueError(
                f"`table` must be one of {', '.join(map(repr, LABEL_TABLES))}, or a dictionary "
                f"from labels to tissues. Received: {table!r}."
            )
        return dict(LABEL_TABLES[table])
    if not isinstance(table, Mapping) or not table:
        raise ValueError(
            "`table` must be the name of a label table or a dictionary such as {1: 'csf', 2: "
            f"'grey_matter'}}. Received: {table!r}."
        )
    for label in table:
        whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool)
        if not whole or label < 0:
            raise ValueError(
                f"The labels of `table` must be integers of at least 0. Received: {label!r}."
            )
    wrong = sorted({str(tissue) for tissue in table.values()} - {AIR, *TISSUES})
    if wrong:
        raise ValueError(
            f"`table` names tissues that are not known: {', '.join(map(repr, wrong))}. Known are "
            f"'air', {', '.join(map(repr, TISSUES))}."
        )
    return {0: AIR, **{int(label): tissue for label, tissue in table.items()}}


def to_tissues(labels: Any, table: str | Mapping[int, str]) -> np.ndarray:
    """Replace labels by tissues.

    Args:
        labels: Whole numbers of at least 0, any shape.
        table: As in `label_table`.

    Returns:
        uint8 array of the same shape: 0 for air, else 1 and the place in `TISSUES`.

    Raises:
        ValueError: Numbers that are not whole or negative, and labels that the table does not have.

    Example:
        >>> from keras_mri_cyclegan.simulation.labels import to_tissues
        >>> to_tissues([[0, 2], [3, 41]], "freesurfer").tolist()
        [[0, 1], [2, 1]]
    """
    labels = np.asarray(labels)
    if not labels.size or labels.dtype.kind not in "biuf":
        raise ValueError(
            "`labels` must hold whole numbers. Received: an array of shape "
            f"{labels.shape} and type {labels.dtype}."
        )
    whole = labels.astype("int64")
    if not np.array_equal(whole, labels) or whole.min() < 0:
        raise ValueError(
            "`labels` must be whole numbers of at least 0; a scan's intensities are not. Received "
            f"values from {labels.min():g} to {labels.max():g}."
        )
    known = label_table(table)
    present = (
        np.flatnonzero(np.bincount(whole.ravel())) if whole.max() < 2**20 else np.unique(whole)
    )
    unknown = [int(label) for label in present if int(label) not in known]
    if unknown:
        name = repr(table) if isinstance(table, str) else "given"
        raise ValueError(
            f"`labels` holds labels that the label table ({name}) does not have: {unknown}. Add "
            "them: `table={**kmc.simulation.label_table(...), "
            f"{unknown[0]}: 'white_matter'}}`, with the tissue that each stands for."
        )
    lookup = np.zeros(int(present.max()) + 1, "uint8")
    for label in present:
        tissue = known[int(label)]
        lookup[label] = 0 if tissue == AIR else 1 + TISSUES.index(tissue)
    return lookup[whole]
