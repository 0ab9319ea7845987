model.save("models/emotion-keras")
export = tg.export("models/emotion-keras", runtime="onnx", precision="fp32")
print(export.runtime, export.precision, export.files)
