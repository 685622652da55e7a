"""Partial volume, orientation and pose against what is known of planes and balls."""

import numpy as np
import pytest
from label_heads import ball_volume

from keras_mri_cyclegan.simulation import TISSUES, LabelHead, tissue_maps
from keras_mri_cyclegan.simulation.tissue_maps import rotation_matrix
from keras_mri_cyclegan.volumes import Volume

WHITE, GREY = TISSUES.index("white_matter"), TISSUES.index("grey_matter")


def ball(radius=20.0, spacing=0.5):
    n = int(2 * (radius + 3) / spacing)
    place = (np.arange(n) - (n - 1) / 2) * spacing
    x, y, z = np.meshgrid(place, place, place, indexing="ij", sparse=True)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = place[0]
    return LabelHead(Volume(2.0 * (x**2 + y**2 + z**2 < radius**2), affine), "freesurfer")


def test_volume_of_a_ball():
    maps = tissue_maps(ball(), size=(12, 12, 12), pixel=4, thickness=4, supersampling=4)[WHITE]
    assert maps.dtype == np.float32
    assert maps.sum() * 4**3 == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)
    assert ((maps > 0.02) & (maps < 0.98)).sum() > 100  # its surface is mixed


def test_area_of_a_slice_of_a_ball():
    for position in (0, 6, 12):
        maps = tissue_maps(ball(), 24, 2.0, 1.0, position=position, supersampling=4)[WHITE]
        assert maps.sum() * 4 == pytest.approx(np.pi * (20**2 - position**2), rel=0.02)


def test_share_of_a_thick_slice_at_a_plane():
    """A slice of 4 mm of which 1 mm lies beyond a plane."""
    labels = np.full((40, 40, 80), 2.0)
    labels[..., 40:] = 3
    head = LabelHead(Volume(labels, np.diag([1, 1, 0.5, 1])), "freesurfer")
    plane = 39.5 * 0.5 - 0.25 - head.centre[2]  # mm from the middle of the head
    maps = tissue_maps(head, 8, 2, 4, position=plane + 0.25 - 1, supersampling=8)
    np.testing.assert_allclose(maps[GREY], 0.25, atol=0.07)
    np.testing.assert_allclose(maps.sum(axis=0), 1)


def marked():
    """A box of white matter with grey matter at its right, front and top ends."""
    labels = np.full((20, 30, 40), 2.0)
    labels[-4:], labels[:, -6:], labels[:, :, -8:] = 3, 11, 12
    return Volume(labels, np.eye(4))


@pytest.mark.parametrize("codes", ["RAS", "LPI", "PSR", "AIL"])
def test_orientation_is_that_of_space_whatever_the_order_of_voxels(codes):
    import nibabel
    from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

    volume = marked()
    image = nibabel.Nifti1Image(volume.array, volume.affine)
    turned = image.as_reoriented(ornt_transform(io_orientation(image.affine), axcodes2ornt(codes)))
    head = LabelHead(Volume(turned.get_fdata(), turned.affine), "freesurfer")
    for plane in ("axial", "coronal", "sagittal"):
        np.testing.assert_array_equal(
            tissue_maps(head, 48, 1, 1, plane, 1.2, shift=(0.3, 0.2)),
            tissue_maps(LabelHead(volume, "freesurfer"), 48, 1, 1, plane, 1.2, shift=(0.3, 0.2)),
        )


@pytest.mark.parametrize(
    ("plane", "ends"),
    [
        # tissue: (axis, whether at its beginning)
        ("axial", {"caudate": (0, True), "grey_matter": (1, True)}),
        ("coronal", {"putamen": (0, True), "grey_matter": (1, True)}),
        ("sagittal", {"putamen": (0, True), "caudate": (1, True)}),
    ],
)
def test_front_and_head_are_up_and_the_patients_right_is_left(plane, ends):
    maps = tissue_maps(LabelHead(marked(), "freesurfer"), 48, 1, 1, plane)
    for tissue, (axis, first) in ends.items():
        place = np.argwhere(maps[TISSUES.index(tissue)] > 0.5)[:, axis].mean()
        white = np.argwhere(maps[WHITE] > 0.5)[:, axis].mean()
        assert (place < white) == first


def test_a_volume_is_its_slices():
    head = LabelHead(ball_volume(), "synthseg")
    volume = tissue_maps(head, (3, 32, 32), 6, 5, "coronal", turn=(10, 5, -5))
    for k, position in enumerate((-5, 0, 5)):
        one = tissue_maps(head, 32, 6, 5, "coronal", position, turn=(10, 5, -5))
        np.testing.assert_array_equal(volume[:, k], one)


def test_turning_the_head_is_turning_its_affine():
    volume = ball_volume()
    turn = (20.0, -10.0, 5.0)
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(np.array(turn)).T
    straight = LabelHead(volume.replace(affine=matrix @ volume.affine), "synthseg")
    straight.centre = np.zeros(3)
    turned = LabelHead(volume, "synthseg")
    turned.centre = np.zeros(3)
    a = tissue_maps(straight, 32, 6, 4, shift=(1.3, 2.1), position=7.7)
    b = tissue_maps(turned, 32, 6, 4, shift=(1.3, 2.1), position=7.7, turn=turn)
    assert np.abs(a - b).mean() < 1e-4


def test_outside_the_label_map_is_air():
    maps = tissue_maps(ball(), 16, 10, 2)
    assert maps[:, 0].sum() == 0
    assert maps.sum(axis=0).max() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (3,)},
        {"size": 0},
        {"pixel": 0},
        {"thickness": -1},
        {"plane": "oblique"},
        {"turn": (1, 2)},
        {"shift": (np.nan, 0)},
        {"supersampling": 0},
    ],
)
def test_wrong_arguments_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}`"):
        tissue_maps(ball(spacing=4), **wrong)
