import json

import keras
import numpy as np
import pytest

from keras_mri_cyclegan.callbacks import other_callbacks


def test_what_was_found_out_goes_on_and_what_was_told_stays():
    stopping = keras.callbacks.EarlyStopping(patience=3)
    stopping.on_train_begin()
    stopping.wait, stopping.best, stopping.best_epoch = 2, np.float32(0.1), np.int64(4)
    state = json.loads(json.dumps(other_callbacks.get([stopping])))
    other = keras.callbacks.EarlyStopping(patience=9)
    other.on_train_begin()
    other_callbacks.put([other], state)
    assert (other.wait, other.best, other.best_epoch) == (2, float(np.float32(0.1)), 4)
    assert isinstance(other.best_epoch, int)
    assert other.patience == 9


def test_callbacks_of_one_class_are_told_apart_by_their_order():
    def two(*bests):
        saving = [keras.callbacks.ModelCheckpoint(f"{n}.keras") for n in range(len(bests))]
        for callback, best in zip(saving, bests, strict=True):
            callback.best = best
        return saving

    found = two(0.0, 0.0, 0.0)
    other_callbacks.put(found, other_callbacks.get(two(1.5, np.inf)))
    assert [callback.best for callback in found] == [1.5, np.inf, 0.0]


def test_others_are_asked():
    class Counting(keras.callbacks.Callback):
        count = 0

        def get_state(self):
            return {"count": self.count}

        def set_state(self, state):
            self.count = state["count"]

    one, other = Counting(), Counting()
    one.count = 3
    silent = keras.callbacks.Callback()
    other_callbacks.put([silent, other], other_callbacks.get([silent, one]))
    assert other.count == 3


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_log_goes_on_without_the_epochs_that_are_done_again(tmp_path, separator):
    path = tmp_path / "log.csv"
    rows = ["epoch,loss", "0,1.0", "1,0.5", "2,0.25", "3,0."]
    path.write_bytes("\r\n".join(rows).replace(",", separator).encode())
    logger = keras.callbacks.CSVLogger(path, separator=separator)
    other_callbacks.continue_csv([keras.callbacks.History(), logger], epoch=2)
    logger.on_train_begin()
    logger.on_epoch_end(2, {"loss": 0.75})
    logger.on_train_end()
    lines = path.read_text().replace(separator, ",").split()
    assert lines[:3] == rows[:3]
    assert lines[3].startswith("2,0.75")
    assert len(lines) == 4


def test_a_log_that_is_not_there_yet(tmp_path):
    for text in (None, ""):
        if text is not None:
            (tmp_path / "log.csv").write_text(text)
        logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
        other_callbacks.continue_csv([logger], epoch=2)
        assert logger.append
