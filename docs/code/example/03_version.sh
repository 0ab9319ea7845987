textgraft --version
