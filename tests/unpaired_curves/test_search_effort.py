import pytest

from keras_mri_cyclegan.unpaired_curves import SearchEffort


@pytest.mark.parametrize(
    "arguments",
    [{"starts": 1}, {"finalists": 0}, {"first_steps": 0}, {"steps": 59}, {"steps": 220.0}],
)
def test_refuses(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be an integer"):
        SearchEffort(**arguments)
