textgraft export models/new --to models/shipped
