import os

os.environ["KERAS_BACKEND"] = "torch"  # before keras is imported for the first time

import keras

import textgraft as tg
from textgraft.interop.keras import as_keras
