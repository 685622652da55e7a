"""This library's step, in `fit`, on the Keras backend that KERAS_BACKEND names."""

import time

import keras
import numpy as np
import our_networks
import worker

import keras_mri_cyclegan as kmc


class Batches(keras.utils.PyDataset):
    """The same batch for ever."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 10**9

    def __getitem__(self, index):
        """Return the batch."""
        return self.batch


class Gate(keras.callbacks.Callback):
    """Stop before a step until it is ordered; the first is for the losses."""

    def __init__(self):
        super().__init__()
        self.left, self.orders, self.start = 1, worker.orders(), None

    def on_train_batch_end(self, batch, logs=None):
        """Answer after the last step of an order, and wait for the next."""
        self.left -= 1
        if self.left:
            return
        losses = {name: float(value) for name, value in logs.items()}  # waits for the device
        if self.start is None:
            worker.answer(losses=losses)
        else:
            seconds = time.perf_counter() - self.start
            worker.answer(seconds=seconds, peak=worker.peak(), held=worker.held())
        self.left = next(self.orders, 0)
        if not self.left:
            raise SystemExit
        self.start = time.perf_counter()


def main():
    """Train for as long as steps are asked for."""
    options = worker.arguments()
    if options.precision == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    model = kmc.CycleGAN(**our_networks.networks(options), pool_size=50, seed=0)
    model.compile(
        keras.optimizers.Adam(worker.RATE, beta_1=worker.BETA_1),
        keras.optimizers.Adam(worker.RATE, beta_1=worker.BETA_1),
        cycle_weight=worker.CYCLE_WEIGHT,
        identity_weight=0.0 if options.no_identity else worker.IDENTITY_WEIGHT,
        identity_every=options.identity_every,
        recompute=options.recompute,
        jit_compile=options.compiled or "auto",
    )
    a, b = (np.ascontiguousarray(side) for side in worker.images(options))
    model.fit(Batches((a, b)), verbose=0, callbacks=[Gate()], shuffle=False)


main()
