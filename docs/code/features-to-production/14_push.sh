textgraft push models/emotion ada/emotion --dry-run
