"""Other libraries beside textgraft: ``interop.tracking`` logs runs in MLflow and Weights & Biases."""
