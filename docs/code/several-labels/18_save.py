model.save("models/emotions")
