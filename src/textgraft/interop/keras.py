"""A classifier's network as a Keras 3 model: Keras trains it, and the weights are the very same ones.

::

    os.environ["KERAS_BACKEND"] = "torch"  # before keras is imported for the first time
    import keras
    from textgraft.interop.keras import as_keras

    model = tg.FineTunedClassifier("all-MiniLM-L6-v2", epochs=2)
    network = as_keras(model, splits.train, valid=splits.valid)
    network.compile(keras.optimizers.AdamW(1e-4))
    network.fit(network.train_batches, validation_data=network.valid_batches, epochs=2)
    network.finish()  # calibrated; from here on ``model`` is as fitted as after ``fit``
    model.save("model/")

Keras 3 computes with PyTorch, JAX or TensorFlow. Here it is PyTorch, so nothing is converted. The classes of
transformers that began with ``TF`` or ``Flax`` are gone since its release 5, and with them the ``from_tf`` and
``from_flax`` of its loading. Checkpoints that TensorFlow wrote of BERT and DistilBERT are read by
``encoders.tensorflow``, without TensorFlow.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from textgraft.errors import MissingExtraError, SettingError
from textgraft.given import Data, Labels
from textgraft.methods.network import NetworkClassifier
from textgraft.unicode import quoted

if TYPE_CHECKING:
    from textgraft.interop.keras_network import KerasNetwork

BACKEND = "KERAS_BACKEND"
# What Keras has in other forms, or not at all: a model that sets it would not be trained as it says.
NOT_OF_KERAS = {
    "budget": "a callback of your own",
    "patience": "keras.callbacks.EarlyStopping",
    "folder": "keras.callbacks.ModelCheckpoint",
    "layer_decay": "one learning rate for all layers",
}


def as_keras(
    model: NetworkClassifier,
    texts: Data,
    labels: Labels | None = None,
    *,
    valid: Data | None = None,
    sample_weight: ArrayLike | None = None,
) -> KerasNetwork:
    """The network of a classifier, with a head for the labels of the data, as a Keras model.

    Everything that ``fit`` does before the training is done: a fitted classifier begins anew, too. It is fitted again
    when ``finish`` of the Keras model has been called.

    Args:
        model: a FineTunedClassifier or RecurrentClassifier. Its ``batch_size``, ``precision``, ``dropout`` and
            ``trained`` hold; the optimizer and the loss are what ``compile`` is given.
        texts, labels, valid, sample_weight: see ``fit``; without ``valid`` a tenth is held out.

    Raises:
        MissingExtraError: Keras is not installed.
        SettingError: Keras computes with something else than PyTorch; the classifier has no network, or a
            hyperparameter that Keras does not go by.
        DataError, EncoderError: see ``fit``.
    """
    check_backend()
    if not isinstance(model, NetworkClassifier):
        raise SettingError(
            f"Keras trains networks: a FineTunedClassifier or a RecurrentClassifier; got a {type(model).__name__}. "
            "Fit that with its own fit."
        )
    declared = model.hyperparameters
    for name, instead in NOT_OF_KERAS.items():
        if name in declared and getattr(model, name) != declared[name].default:
            raise SettingError(
                f"{name}={quoted(str(getattr(model, name)))} is of textgraft's own training; with Keras leave it at "
                f"{declared[name].default}, in its place there is {instead}."
            )
    from textgraft.interop.keras_network import KerasNetwork

    prepared, rows = model.prepare(texts, labels, valid=valid, sample_weight=sample_weight)
    return KerasNetwork(model, prepared, rows)


def check_backend() -> None:
    """Refuses to go on where Keras is missing, too old, or does not compute with PyTorch.

    Raises:
        MissingExtraError: it is not installed.
        SettingError: it is older than 3, or its backend is another one.
    """
    if importlib.util.find_spec("keras") is None:
        raise MissingExtraError("Training with Keras", "keras")
    how = (
        f'set os.environ["{BACKEND}"] = "torch" before keras is imported for the first time (or {BACKEND}=torch in the '
        "shell), and start Python, or the notebook's kernel, anew."
    )
    try:
        keras = importlib.import_module("keras")
    except (ImportError, ValueError) as error:  # a backend that is not installed, or not known
        chosen = os.environ.get(BACKEND)
        by = f"{BACKEND} says {quoted(chosen)}" if chosen else f"{BACKEND} is not set"
        raise SettingError(f"Keras cannot be imported with its backend ({error}); {by}. To train here, {how}") from None
    if int(keras.__version__.partition(".")[0]) < 3:
        raise SettingError(
            f'textgraft trains with Keras 3; this is {keras.__version__}: pip install "textgraft[keras]"'
        )
    if (backend := keras.backend.backend()) != "torch":
        raise SettingError(f"Keras computes with {backend}, and the networks here are PyTorch's: {how}")
