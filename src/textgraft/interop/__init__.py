"""Models trained by other libraries: ``interop.keras``."""
