"""Other libraries: ``interop.keras`` trains models by Keras, ``interop.tracking`` logs runs in MLflow and W&B."""
