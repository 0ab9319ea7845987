textgraft export runs/features
textgraft predict runs/features "i feel like a new person"
