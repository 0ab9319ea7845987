textgraft export models/emotion
