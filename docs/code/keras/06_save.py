model.save("models/emotion-keras")
print(tg.export("models/emotion-keras", runtime="onnx", precision="fp32"))
