"""CycleGAN model: two generators and two discriminators, trained together."""

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.callbacks import best_file
from keras_mri_cyclegan.cyclegan import backends, compile_config, random_state, sources
from keras_mri_cyclegan.cyclegan.composite_optimizer import CompositeOptimizer
from keras_mri_cyclegan.cyclegan.describe import describe
from keras_mri_cyclegan.cyclegan.export import export_network
from keras_mri_cyclegan.cyclegan.fit_together import check_fit
from keras_mri_cyclegan.cyclegan.image_pool import ImagePool
from keras_mri_cyclegan.cyclegan.objective import term_names
from keras_mri_cyclegan.cyclegan.paired_term import paired_term, unpack_pairs
from keras_mri_cyclegan.cyclegan.progress import Progress
from keras_mri_cyclegan.cyclegan.ready import check_alone, check_trainable
from keras_mri_cyclegan.cyclegan.resuming import resumable
from keras_mri_cyclegan.cyclegan.structure_terms import structure_terms
from keras_mri_cyclegan.cyclegan.term_weights import (
    check_generators_learn,
    identity_weight_for,
    plain,
    term_weights,
)
from keras_mri_cyclegan.cyclegan.weight_paths import set_paths
from keras_mri_cyclegan.losses import adversarial
from keras_mri_cyclegan.volumes import atomic

NETWORKS = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class CycleGAN(keras.Model):
    """Translation between two image domains, A and B, learnt from unpaired images.

    `generator_ab` translates images of A to B, `generator_ba` images of B to A; `discriminator_a`
    and `discriminator_b` distinguish real from generated images of their domain. A generator learns
    translations that its discriminator takes for real (adversarial loss), that the other generator
    can translate back (cycle consistency), and to keep real images of its target domain unchanged
    (identity mapping).

    Images are floats in [-1, 1], `(batch, height, width, channels)`, or volumes, `(batch, depth,
    height, width, channels)`.

    Args:
        generator_ab: `keras.Model` from images of A to images of B, in [-1, 1].
        generator_ba: `keras.Model` from images of B to images of A, in [-1, 1].
        discriminator_a: `keras.Model` from images of A to logits.
        discriminator_b: `keras.Model` from images of B to logits.
        pool_size: Integer, number of past generated images of each domain in the pool from which
            the discriminators' images are drawn (see `ImagePool`); with 0 the discriminators see
            only the latest. Defaults to 50.
        seed: Integer or `None`, seed of the pools' random choices. Defaults to `None`, a random
            one.
        augmentation: `keras.layers.Layer` applied to all images, real and generated, before a
            discriminator, such as `DifferentiableAugmentation` for small data sets. Defaults to
            `None`: no augmentation.
        name: String, name of the model.

    Raises:
        ValueError: A network is not a `keras.Model`, or two of the four networks are the same; or
            `pool_size` is not an integer of at least 0, or it is above 0 and a discriminator takes
            images of any size, for which a pool has no fixed shape.

    Example:
        >>> import keras
        >>> import keras_mri_cyclegan as kmc
        >>> a, b = kmc.datasets.load_phantom(("t1", "t2"), slices=4, size=32)
        >>> model = kmc.CycleGAN(
        ...     generator_ab=kmc.unet_generator((32, 32, 1), depth=2, filters=4),
        ...     generator_ba=kmc.unet_generator((32, 32, 1), depth=2, filters=4),
        ...     discriminator_a=kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=4),
        ...     discriminator_b=kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=4),
        ... )
        >>> model.compile()
        >>> history = model.fit(a, b, batch_size=2, epochs=1, verbose=0)
        >>> sorted(history.history)[:3]
        ['adversarial_ab', 'adversarial_ba', 'cycle_a']
        >>> model.translate(a, direction="ab").shape
        (4, 32, 32, 1)

    References:
        - Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
          Networks", ICCV 2017, https://arxiv.org/abs/1703.10593
    """

    def __init__(
        self,
        generator_ab: keras.Model,
        generator_ba: keras.Model,
        discriminator_a: keras.Model,
        discriminator_b: keras.Model,
        pool_size: int = 50,
        seed: int | None = None,
        augmentation: keras.layers.Layer | None = None,
        name: str = "cyclegan",
        **kwargs: Any,
    ):
        given = (generator_ab, generator_ba, discriminator_a, discriminator_b)
        for argument, network in zip(NETWORKS, given, strict=True):
            if not isinstance(network, keras.Model):
                raise ValueError(f"`{argument}` must be a `keras.Model`. Received: {network!r}.")
            if not isinstance(getattr(network, "input_shape", None), tuple):
                raise ValueError(
                    f"`{argument}` must have one input of known shape. Received: {network!r}. "
                    "Build it with the functional API, or wrap it: `image = keras.Input(shape)`, "
                    "`keras.Model(image, network(image))`."
                )
            backends.prepare(network)
        _check_different(dict(zip(NETWORKS, given, strict=True)))
        for argument, network in zip(NETWORKS, given, strict=True):
            set_paths(argument, network, NETWORKS)
        _checks.positive_int("pool_size", pool_size, minimum=0)
        if augmentation is not None and not isinstance(augmentation, keras.layers.Layer):
            raise ValueError(
                "`augmentation` must be a `keras.layers.Layer`, since its random state is saved "
                "with the model, such as `keras_mri_cyclegan.layers.DifferentiableAugmentation()`. "
                f"Received: {augmentation!r}."
            )
        if seed is not None:
            seed = _checks.positive_int("seed", seed, minimum=0) % 2**31

        # === Networks ===
        super().__init__(name=name, **kwargs)
        self.generator_ab = generator_ab
        self.generator_ba = generator_ba
        self.discriminator_a = discriminator_a
        self.discriminator_b = discriminator_b
        self.pool_size = pool_size
        self.seed = seed
        self.augmentation = augmentation
        if pool_size:
            self.pool_a = self._make_pool("a", discriminator_a, seed)
            self.pool_b = self._make_pool("b", discriminator_b, seed if seed is None else seed + 1)
        self.built = True

    def _make_pool(self, domain: str, discriminator: keras.Model, seed: int | None) -> ImagePool:
        shape = discriminator.input_shape
        if None in shape[1:]:
            raise ValueError(
                f"`pool_size` must be 0 if a discriminator takes images of any size. Received: "
                f"pool_size={self.pool_size} and a discriminator of domain {domain.upper()} that "
                f"takes {shape[1:]}. Build it for a fixed size, or pass pool_size=0."
            )
        pool = ImagePool(self.pool_size, seed=seed, name=f"pool_{domain}")
        pool.build(shape)
        return pool

    # === Compiling ===

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        adversarial_loss: Any = "least_squares",
        cycle_weight: Any = 10.0,
        identity_weight: Any = 5.0,
        structure_loss: Any = None,
        structure_weight: Any = 1.0,
        paired_weight: Any = 0.0,
        paired_loss: Any = "mae",
        adversarial_weight: Any = 1.0,
        r1_weight: Any = 0.0,
        r1_every: int = 16,
        identity_every: int = 1,
        recompute: bool = False,
        jit_compile: bool | str = "auto",
        steps_per_execution: int = 1,
        run_eagerly: bool = False,
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Set the losses, weights and optimizers, and check that the networks fit together.

        A weight is a number of at least 0 or a function of the training step, such as
        `keras_mri_cyclegan.losses.WarmUp`. A term whose weight is the number 0 is not computed.

        Args:
            generator_optimizer: `keras.optimizers.Optimizer` of both generators, with any clipping,
                gradient accumulation, schedule or moving average of its own. Defaults to the
                paper's `Adam(2e-4, beta_1=0.5)`.
            discriminator_optimizer: The same for both discriminators; not the same object.
            adversarial_loss: `"least_squares"`, `"binary_crossentropy"`, `"hinge"`, an instance of
                `keras_mri_cyclegan.losses.AdversarialLoss`, or any function of (target, logits) in
                which target 1 is real and 0 is fake, such as a Keras loss on logits. Defaults to
                `"least_squares"`.
            cycle_weight: Weight of the cycle consistency: the mean absolute error between an image
                and its translation to the other domain and back. Defaults to 10.
            identity_weight: Weight of the identity mapping: the mean absolute error between an
                image and the output for it of the generator *to* its domain. Set to 0, with a
                warning, if the two domains have different numbers of channels. Defaults to 5.
            structure_loss: Loss that preserves the anatomy between an image and its translation:
                one of `keras_mri_cyclegan.losses`, such as `BackgroundConsistency()`, any function
                of (source, translated), or a list of them. Defaults to `None`.
            structure_weight: Weight of the structure losses, or a list with one for each. Defaults
                to 1.
            paired_weight: Weight of `paired_loss`, for training data with pairs
                (`UnpairedDataset(..., paired=...)`). Defaults to 0, for data without pairs.
            paired_loss: Loss between the translation of a paired image and its truth: the name of a
                Keras loss, a Keras loss, or any function of (truth, translated). Defaults to
                `"mae"`, the mean absolute error.
            adversarial_weight: Weight of the generators' adversarial loss. Defaults to 1.
            r1_weight: Weight (gamma) of the R1 gradient penalty of the discriminators on real
                images. Defaults to 0, no penalty.
            r1_every: Integer k: the R1 penalty is computed in every k-th step and multiplied by k.
                Defaults to 16.
            identity_every: Integer k: the identity mapping is computed in every k-th step and
                multiplied by k, for 1/k of the computation. Defaults to 1.
            recompute: Boolean, whether to recompute the generators' activations for the gradient
                instead of storing them, which takes less memory and more time. Defaults to `False`.
            jit_compile: Boolean or `"auto"`, as in `keras.Model.compile`; on torch `True` compiles
                the networks' operations, which takes minutes, and `"auto"` compiles nothing.
            steps_per_execution: Integer, as in `keras.Model.compile`; 1 on torch.
            run_eagerly: Boolean, as in `keras.Model.compile`.
            auto_scale_loss: Boolean, as in `keras.Model.compile`: whether the loss is scaled under
                the policy `mixed_float16`.
            **kwargs: None. Other arguments of `keras.Model.compile` are rejected.

        Raises:
            ValueError: The networks' shapes do not fit together, or a setting is out of its range.
        """
        compile_config.check_no_other(kwargs)
        check_fit(self)
        self.adversarial_loss = adversarial.get(adversarial_loss)
        identity_weight = identity_weight_for(self, identity_weight)
        self.term_weights = term_weights(
            adversarial_weight, cycle_weight, identity_weight, identity_every, r1_weight, r1_every
        )
        self.recompute = bool(_checks.one_of("recompute", recompute, (True, False)))
        self.cycle_weight, self.identity_weight = plain(cycle_weight), plain(identity_weight)
        self.structure = structure_terms(structure_loss, structure_weight)
        if self.structure and not self._same_channels():
            raise ValueError(
                "`structure_loss` compares an image with its translation channel by channel, so it "
                "needs as many channels in domain A as in domain B. Received: "
                f"{self.generator_ab.input_shape[-1]} and {self.generator_ab.output_shape[-1]}. "
                "Omit `structure_loss`, or build networks with equal numbers of channels."
            )

        self.paired = paired_term(paired_loss, paired_weight)
        self.paired_weight = paired_weight
        check_generators_learn(self)

        sizes = self.generator_ab.input_shape[1:-1] + self.generator_ba.input_shape[1:-1]
        self.progress = Progress(term_names(self), sizes)
        optimizer = CompositeOptimizer(
            generator_optimizer,
            discriminator_optimizer,
            discriminator_variables=self.discriminator_a.variables + self.discriminator_b.variables,
        )
        self.compile_networks = jit_compile is True and not backends.KERAS_COMPILES
        super().compile(
            optimizer=optimizer,
            jit_compile=jit_compile if backends.KERAS_COMPILES else False,
            steps_per_execution=steps_per_execution,
            run_eagerly=run_eagerly,
            auto_scale_loss=auto_scale_loss,
        )
        # Built now, so that its state can be restored before the first step.
        self.optimizer.build(self.trainable_variables)
        self.compiled_for = tuple(map(id, self.trainable_variables))
        backends.prepare_optimizer(self.optimizer)

        # The user's arguments: Keras would save the value that "auto" has on this machine.
        self._compile_arguments = {
            **optimizer.get_config(),
            "adversarial_loss": adversarial_loss,
            "cycle_weight": self.cycle_weight,
            "identity_weight": self.identity_weight,
            "structure_loss": structure_loss,
            "structure_weight": structure_weight,
            "paired_weight": paired_weight,
            "paired_loss": paired_loss,
            "adversarial_weight": plain(adversarial_weight),
            "r1_weight": plain(r1_weight),
            "r1_every": r1_every,
            "identity_every": identity_every,
            "recompute": recompute,
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
            "run_eagerly": run_eagerly,
            "auto_scale_loss": auto_scale_loss,
        }

    def _same_channels(self) -> bool:
        return self.generator_ab.input_shape[-1] == self.generator_ab.output_shape[-1]

    # === Training and evaluation steps ===

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The four networks by name."""
        return {name: getattr(self, name) for name in NETWORKS}

    @property
    def regularized(self) -> list:
        """Trainable weights with a regularizer, which adds to the loss."""
        return [v for v in self.trainable_variables if v.regularizer is not None]

    def make_train_function(self, force: bool = False) -> Any:
        """Check the model before `fit` and `train_on_batch`, and return Keras' train function."""
        check_alone(self)
        check_trainable(self)
        return super().make_train_function(force)

    def jax_state_sync(self) -> None:
        """Write the training state to the variables (on JAX), after a check that it fits them."""
        state = getattr(self, "_jax_state", None) or {}
        values = state.get("trainable_variables")
        if values is not None and len(values) != len(self.trainable_variables):
            check_trainable(self)
        super().jax_state_sync()

    def train_step(self, *args: Any) -> Any:
        """Update every network once. Keras calls it with the arguments of its backend."""
        check_trainable(self)  # also during a training
        return backends.train_step(self, *args)

    def test_step(self, *args: Any) -> Any:
        """Score one batch of pairs in both directions. Keras calls it as its backend requires."""
        return backends.test_step(self, *args)

    def unpack(self, data: Any) -> tuple[Any, Any]:
        """Return the images of A and of B of a batch as float32 tensors."""
        a, b, _ = keras.utils.unpack_x_y_sample_weight(data)
        if b is None:
            raise ValueError(
                "CycleGAN takes batches of (a, b). Received: batches of one array. Pass images of "
                "both domains, `fit(x, y)`, or a source of (a, b) batches."
            )
        return ops.convert_to_tensor(a, "float32"), ops.convert_to_tensor(b, "float32")

    def unpack_pairs(self, data: Any) -> tuple | None:
        """Return the pairs of a training batch as float32 tensors, or `None` without pairs."""
        return unpack_pairs(self, keras.utils.unpack_x_y_sample_weight(data)[2])

    def pooled(self, domain: str, fake: Any) -> Any:
        """Return the generated images for the discriminator of `domain`, without gradient."""
        if not self.pool_size:
            return ops.stop_gradient(fake)
        return {"a": self.pool_a, "b": self.pool_b}[domain](fake)

    def seen(self, images: Any) -> Any:
        """Return images with the augmentation of the discriminators' inputs applied."""
        return images if self.augmentation is None else self.augmentation(images)

    def score(self, a: Any, b: Any) -> dict[str, Any]:
        """Add the scores of a batch of pairs to their running means, and return the means."""
        return {
            **self.progress.update_scores("ab", b, self.generator_ab(a, training=False)),
            **self.progress.update_scores("ba", a, self.generator_ba(b, training=False)),
        }

    @property
    def metrics(self) -> list:
        """Running means of the terms of the objective and of the scores of `evaluate`."""
        return self.progress.metrics if self.compiled else []

    @_checks.one_range_warning()
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_data: Any = None,
        shuffle: bool = True,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train on unpaired images, and optionally on pairs, like `keras.Model.fit`.

        Args:
            x: Images of A, an array `(images, height, width, channels)` of floats in [-1, 1]; or
                any source of `(a, b)` batches: an `UnpairedDataset` or other
                `keras.utils.PyDataset`, a `tf.data.Dataset`, a torch `DataLoader`, a generator.
                Compiled with a `paired_weight`, a source of `(a, b, (a_paired, b_paired))`, such as
                an `UnpairedDataset` with `paired`; or of `(a, b, ())`, whose a and b are pairs.
            y: Images of B if `x` is an array. Their number may differ from that of A: arrays are
                used as an `UnpairedDataset`, which draws each domain in its own order.
            batch_size: Integer, images of each domain in a batch, for arrays. Defaults to 1, as in
                the paper.
            epochs: Integer, the epoch at which training ends. Defaults to 1.
            verbose: As in `keras.Model.fit`.
            callbacks: List of `keras.callbacks.Callback`. Defaults to none.
            validation_data: `(a, b)`, arrays of pairs that are scored after each epoch as by
                `evaluate`, or a source of batches of pairs. Defaults to none.
            shuffle: Boolean, for arrays and a `keras.utils.PyDataset`. Defaults to `True`.
            **kwargs: Further arguments of `keras.Model.fit`, such as `initial_epoch`;
                `sample_weight`, `class_weight` and `validation_split` are not supported. With
                `steps_per_epoch`, an epoch of arrays or of an `UnpairedDataset` is the next
                `steps_per_epoch` batches.

        Returns:
            A `keras.callbacks.History`, with every term of the objective and `loss` per epoch.

        Warns:
            RangeWarning: Images are not in [-1, 1].
            ScanWarning: `VolumeImages` of training and validation differ in pixel size.
            UserWarning: `validation_data` share patients with the training data, or have another
                preprocessing; the positions of its `VolumeImages` differ; a training is resumed
                with other data, learning rates, seeds or settings than those of its `Checkpoint`.

        Raises:
            ValueError: The networks cannot take the data; the message says what was received.
        """
        self._assert_compile_called("fit")
        sources.check_options(kwargs)
        source, shuffle = sources.training_source(self, x, y, batch_size, shuffle)
        sources.compare_with_validation(source, validation_data)
        validation_data = sources.validation_source(self, validation_data)
        kwargs = {"validation_batch_size": sources.scored_at_once(validation_data), **kwargs}
        self.progress.tell_of_left_out = True
        kwargs, endless = sources.endless(source, kwargs)
        steps = kwargs.get("steps_per_epoch")
        with endless, resumable(self, source, callbacks, epochs, verbose, steps) as resumed:
            return super().fit(
                source,
                batch_size=None if y is not None else batch_size,
                epochs=epochs,
                verbose=verbose,
                validation_data=validation_data,
                shuffle=shuffle,
                **{**kwargs, **resumed},
            )

    @_checks.one_range_warning()
    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, **kwargs: Any
    ) -> Any:
        """Score translations against the truth: image k of A and image k of B are a pair.

        Args:
            x: Images of A, `(images, height, width, channels)` in [-1, 1], or a source of
                `(a, b)` batches of pairs.
            y: Images of B in the same order, if `x` is an array.
            batch_size: Integer, images scored at once. Defaults to 8.
            **kwargs: Further arguments of `keras.Model.evaluate`, such as `return_dict`.

        Returns:
            PSNR in dB, SSIM and mean absolute error in both directions, `psnr_ab`, `ssim_ab`,
            `mae_ab`, `psnr_ba`, `ssim_ba`, `mae_ba`, means over the images, with a data range of 2.
            A translation that equals the truth, such as a slice of air, is left out of the mean
            PSNR, with a warning. A dictionary if `return_dict=True`, otherwise a list in this
            order.

        Raises:
            ValueError: The networks cannot take the images, or the images cannot be pairs.
        """
        self._assert_compile_called("evaluate")
        # `fit` has already checked its validation data, and calls `evaluate` after each epoch.
        within_fit = kwargs.get("_use_cached_eval_dataset", False)
        if not within_fit:
            x, y = sources.pairs(self, x, y)
        if batch_size is None:
            batch_size = sources.scored_at_once((x, y))
        self.progress.tell_of_left_out |= not within_fit
        scores = super().evaluate(x, y, batch_size=batch_size, **kwargs)
        self.progress.warn_of_left_out()
        return scores

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Translate from A to B. Therefore `predict` equals `translate(..., direction="ab")`."""
        return self.generator_ab(inputs, training=training)

    def translate(
        self,
        images: Any,
        direction: str = "ab",
        batch_size: int = 8,
        verbose: int | str = 0,
    ) -> np.ndarray:
        """Translate images from one domain to the other.

        Args:
            images: Array `(images, height, width, channels)` of floats in [-1, 1].
            direction: `"ab"` from A to B, `"ba"` from B to A. Defaults to `"ab"`.
            batch_size: Integer, images translated at once. Defaults to 8.
            verbose: As in `keras.Model.predict`: 1 shows a progress bar. Defaults to 0.

        Returns:
            Float32 array of as many images in [-1, 1].

        Raises:
            ValueError: The direction is unknown, or the generator cannot take the images.
        """
        _checks.one_of("direction", direction, ("ab", "ba"))
        generator = {"ab": self.generator_ab, "ba": self.generator_ba}[direction]
        array = _checks.images("images", images, generator.input_shape[1:])
        _checks.warn_range("images", array)
        _checks.positive_int("batch_size", batch_size)
        backends.own_values(generator)
        return generator.predict(array, batch_size=batch_size, verbose=verbose)

    def export(
        self,
        filepath: Any,
        format: str | None = None,
        direction: str = "ab",
        **kwargs: Any,
    ) -> None:
        """Write the generator of one direction to a file that runs without Keras.

        Args:
            filepath: The file to write, `*.onnx` or `*.tflite`, or the folder of a SavedModel.
            format: `"tf_saved_model"`, `"onnx"` or `"litert"`. Defaults to `None`: by the ending
                of `filepath`.
            direction: `"ab"` for the generator from A to B, `"ba"` for the generator from B to A.
                Defaults to `"ab"`.
            **kwargs: Further arguments of `keras_mri_cyclegan.cyclegan.export.export_network`, such
                as `input_shape` and `batch_size`.

        Raises:
            ValueError: The direction or format is unknown, or this backend cannot write the format.
            ImportError: A package is missing; the message names the extra that installs it.
        """
        _checks.one_of("direction", direction, ("ab", "ba"))
        generator = {"ab": self.generator_ab, "ba": self.generator_ba}[direction]
        export_network(generator, filepath, format=format, **kwargs)

    def summary(
        self,
        line_length: int | None = None,
        positions: list | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        **kwargs: Any,
    ) -> None:
        """Print each network's input shape, output shape and number of weights.

        The arguments are those of `keras.Model.summary`; with `expand_nested=True` the summary of
        every network follows.
        """
        for line in describe(self):
            (print_fn or print)(line)
        for network in self.networks.values() if expand_nested else ():
            network.summary(line_length, positions, print_fn, expand_nested, **kwargs)

    # === State and config ===

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Write the whole state to one file, atomically.

        After a full disk, a crash or Ctrl+C the previous file is still there.

        Args:
            filepath: The file to write, `*.keras`.
            overwrite: Boolean, whether to replace a file without asking. Defaults to `True`.
            **kwargs: Further arguments of `keras.Model.save`.

        Raises:
            ValueError: The file is in the old `.h5` format, which cannot hold this model, or cannot
                be written.
        """
        path = str(filepath)
        if path.endswith((".h5", ".hdf5")):
            raise ValueError(
                "`.h5`, Keras' old format of a whole model, cannot hold a `CycleGAN`. Received: "
                f"{path!r}. Save it as `.keras`, or only its weights by "
                "`save_weights('x.weights.h5')`."
            )
        if not path.endswith(".keras") or "://" in path or not overwrite:
            super().save(filepath, overwrite=overwrite, **kwargs)
            return
        with atomic.replacing(path) as temporary:
            super().save(temporary, **kwargs)

    def load_weights(self, filepath: Any, **kwargs: Any) -> None:
        """Load a file of `save` or `save_weights`, or the best generators of `BestTranslation`.

        Args:
            filepath: The file, `*.keras`, `*.weights.h5`, or the `*.npz` of `BestTranslation`,
                which holds the generators only.
            **kwargs: Further arguments of `keras.Model.load_weights`.

        Raises:
            ValueError: The file is of another model.
        """
        if str(filepath).endswith(".npz"):
            best_file.load(filepath, self)
        else:
            super().load_weights(filepath, **kwargs)

    def save_own_variables(self, store: Any) -> None:
        """Save the model's own variables and all random states, including those of dropout."""
        super().save_own_variables(store)
        random_state.save(self, store)

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` saved."""
        super().load_own_variables(random_state.load(self, store))

    def get_config(self) -> dict:
        """Return the constructor's arguments, with the four networks serialized."""
        networks = {
            name: keras.saving.serialize_keras_object(network)
            for name, network in self.networks.items()
        }
        augmentation = self.augmentation
        if augmentation is not None:
            augmentation = keras.saving.serialize_keras_object(augmentation)
        return {
            **networks,
            "pool_size": self.pool_size,
            "seed": self.seed,
            "augmentation": augmentation,
            "name": self.name,
            # Keras derives loss scaling, and hence the optimizer state, from the dtype policy.
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> "CycleGAN":
        """Build the model from the result of `get_config`, with new weights."""
        networks = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in (*NETWORKS, "augmentation")
            if config.get(name) is not None
        }
        return cls(**{**config, **networks})

    def get_compile_config(self) -> dict | None:
        """Return the arguments of `compile`, in a form that every backend can read.

        `None` if the model is not compiled, or if an argument cannot be saved: see
        `compile_config.to_config`.
        """
        if not self.compiled:
            return None
        return compile_config.to_config(self._compile_arguments)

    def compile_from_config(self, config: dict) -> None:
        """Compile with the result of `get_compile_config`."""
        self.compile(**compile_config.from_config(config))


def _check_different(networks: dict[str, keras.Model]) -> None:
    for (name, network), (other, second) in itertools.combinations(networks.items(), 2):
        if network is second:
            raise ValueError(
                f"`{name}` and `{other}` must be two networks with separate weights. Received: one "
                f"network, {network.name!r}, for both. Build each by its own call: "
                f"`{name}=build(), {other}=build()`."
            )
